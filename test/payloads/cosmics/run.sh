#!/bin/bash
# No wrapper: stages its files itself, asks for its inputs, tells how large its log became.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12#file:/} hist=${14} from=${15} items=${16}
{
  IFS=, read -ra stage <<< "$items"
  for item in "${stage[@]}"; do cp -v $from/$item .; done
  ./cups.py -r $run -s $seg -d $base started
  case $9 in
    *dbinput*) ./cups.py -r $run -s $seg -d $base getinputs > inputs.txt ;;
    *) tr , '\n' <<< "$9" > inputs.txt ;;
  esac
  grep GL1 inputs.txt > gl1.list
  grep TPC inputs.txt > tpc00.list
  ./cups.py -r $run -s $seg -d $base running
  ./bachi.py --blame cups created ${log%%-*} $run
  root.exe -q -b "combine.C($n,$run,\"$base\",\"$out\",root,\"gl1.list\",${log/DST_COSMIC_EVENT/HIST_COSMIC}.root)"
  code=$?
  ./cups.py -r $run -s $seg -d $base finished -e $code --nevents 0 --inc
  for file in HIST_*.root; do ./stageout.sh $file $hist; done
  kb=$(du -k $logs/$log.out | cut -f 1)
  flag=0
  [ "$kb" -lt 10240 ] || flag=10
  ./cups.py -v -r $run -s $seg -d $base message "Normal termination" --flag $flag --logsize $kb
} >& $logs/$log.out
exit $code
