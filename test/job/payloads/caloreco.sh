#!/bin/env bash
# In the style of the first calorimeter reconstruction: other positions, plain cups.py from the PATH, long options,
# exitcode instead of finished, logs by these names in the job's directory.
{
dstfile=${6%.*}
dstname=${dstfile%%-*}
cups.py -v -t production_status -r $2 -s $3 --dstname=${dstname} started
cups.py -v -t production_status -r $2 -s $3 --dstname=${dstname} running
false
cups.py -v -t production_status -r $2 -s $3 --dstname=${dstname} exitcode --exit $?
} >&stdout.log 2>stderr.log
