#!/bin/bash -f
# No wrapper, positions of its own, and an option that cups never had; tells its end before it stages out.
run=$2 last=$3 seg=$4 iteration=$5 log=$6 out=$8 logs=${12#file:/}
{
  ./cups.py -r $run -s $seg -d CALIB --dstfile $log started
  for path in ${11//,/ }; do
    [[ $path != *DST_* ]] || echo $path >> input.list
  done
  root.exe -q -b "merge.C($1,\"input.list\",\"$log.root\")"
  ./cups.py -r $run -s $seg -d none --dstfile $log finished -e 0
  ./stageout.sh $log.root $out
} > $log.out 2> $log.err
mv $log.out $log.err $logs
