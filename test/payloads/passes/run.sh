#!/bin/bash
# In the wrapper. Two passes over one file, with results of an earlier one; all that is made is renamed to one name.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12} earlier=${13}
tell() { ./cups.py -r $run -s $seg -d $base "$@"; }
{
  tell started
  mkdir -p results/$run
  tell message "Constants from $earlier"
  cp $earlier/constants.txt results/$run
  cp ${9%%,*} raw.evt
  tell running
  tell message "First pass (over all of it)"
  root.exe -q -b "convert.C($n,raw.evt,first.txt)"
  tell running
  root.exe -q -b "convert.C($n,raw.evt,UNCALIBRATED.root)"
  tell message "Done"
  tell finished -e 0
  cp -R results/$run $out
  for file in *.root; do ./stageout.sh $file $out $(printf '%s-%08d-%05d.root' $base $run $seg); done
  exit
} >& ${logs#file:/}/$log.out
