#!/bin/bash
# In the wrapper. One output from a list of inputs, the cupsid as the last argument; logs are local, and copied at the end.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12#file:/} hist=${13}
export cupsid=${16}
report() { ./cups.py -r $run -s $seg -d $base "$@"; }
{
  report started
  report running
  for path in ${9//,/ }; do
    cp $path .
    echo ${path##*/} >> input.list
  done
  root.exe -q -b "merge.C($n,\"input.list\",\"$log.root\")"
  code=$?
  ./stageout.sh $log.root $out
  report finished -e $code --nevents -1 --inc
} > $log.out 2> $log.err
cp $log.out $log.err $logs
exit $code
