#!/bin/bash
# No wrapper, nineteen arguments: takes the files whose events lie in a window; tells its end before it stages out.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12#file:/} from=${14}
first=${16} last=${17} cupsid=${19}
export cupsid
report() { ./cups.py -v -r $run -s $seg -d $base "$@"; }
{
  IFS=, read -ra paths <<< "$9"
  IFS=, read -ra ranges <<< "${10}"
  IFS=, read -ra items <<< "${15}"
  for item in "${items[@]}"; do cp -v $from/$item .; done
  touch one-output
  report started
  if [ ${#paths[@]} -ne ${#ranges[@]} ]; then
    report finished -e 1 --nevents 0
    exit 1
  fi
  taken=()
  for i in "${!paths[@]}"; do
    IFS=: read -r low high name <<< "${ranges[i]}"
    [ ${paths[i]##*/} = $name ] && ((low - 1 <= last + 19999 && high - 1 >= first)) || continue
    taken+=(${paths[i]})
    if [[ $name =~ seb([0-9]+) ]]; then list=seb${BASH_REMATCH[1]}; else list=gl1daq; fi
    echo ${paths[i]} >> $list.list
  done
  lists=(*.list)
  if [ ${#lists[@]} -lt 21 ]; then
    report finished -e 2 --nevents 0 --inc
    exit 2
  fi
  report inputs --files ${taken[@]}
  report running
  root.exe -q -b "merge.C($n,\"gl1daq.list\",\"$log.root\")"
  code=$?
  report finished -e $code --nevents 0 --inc
  [ $code -ne 0 ] || stageout.sh $log.root $out
} >& $logs/$log.out
exit $code
