#!/bin/bash
# In the wrapper. Sorts raw files by subsystem; the framework writes several outputs; log straight in the log directory.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12} hist=${13}
report() { ./cups.py -r $run -s $seg -d $base "$@"; }
echo "the wrapper says $cupsid ${payload[@]} $subdir $userscript" > seen.txt
{
  report started
  cat seen.txt
  for path in ${9//,/ }; do
    if [[ $path =~ seb([0-9]{2}) ]]; then echo $path >> seb${BASH_REMATCH[1]}.list; else echo $path >> gl1daq.list; fi
  done
  report inputs --files $(cat *.list)
  report running
  root.exe -q -b "combine.C($n,$run,\"$base\",\"$out\",root,\"gl1daq.list\")"
  code=$?
  report finished -e $code --nevents 0 --inc
} >& ${logs#file:/}/$log.out
exit $code
