#!/bin/bash
# Raw data in, raw data out: counted by dpipe, and without --prodtype.
name=${1%.prdf}
dstname=${name%%-*}
IFS=_ read -ra words <<< "$dstname"
IFS=- read -r _ run segment <<< "$name"
./cups.py -r $run -s $segment -d $dstname stageout $1 $2 --dsttype ${words[0]}_${words[1]}_${words[2]} --dataset ${words[3]}_${words[4]} --nevents $(dpipe -w 0 -s f -d n -i $1)
