#!/bin/env bash
# No wrapper, positions of its own, inputs from the ranges. Logs have names of their own, and copies that are transferred.
{
  n=$1 base=$2 log=$3 out=$4 run=$5 seg=$6
  tell() { ./cups.py -r $run -s $seg -d $base "$@"; }
  echo "cluster $7, process $8"
  tell started
  mkdir -p $out
  for range in ${12//,/ }; do
    IFS=: read -r path low high <<< "$range"
    name=${path##*/}
    echo $path >> ${name%%-*}.list
    used="$path($low-$high) $used"
  done
  tell running
  tell inputs --files $used
  root.exe -q -b "combine.C($n,$run,\"$base\",\"$out\",prdf,GL1_beam_gl1daq.list)"
  code=$?
  tell exitcode -e $code
} > stdout.txt 2> stderr.txt
cp stdout.txt $log.out
cp stderr.txt $log.err
