#!/bin/bash
# No wrapper, the oldest positions. Calls cups by the PATH, with a table, and 'exitcode'; logs as the rule transfers them.
{
  name=${6%.*}
  tell() { cups.py -v -t production_status -r $2 -s $3 --dstname=${name%%-*} "${@:4}"; }
  tell "${@:1:3}" started
  tell "${@:1:3}" running
  root.exe -q -b "convert.C($1,${10},$6)"
  code=$?
  stageout.sh $6 $7
  tell "${@:1:3}" exitcode --exit $code
  touch stderr.txt
  cp stdout.txt $name.out
  cp stderr.txt $name.err
} > stdout.txt 2> stderr.txt
