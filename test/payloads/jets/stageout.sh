#!/bin/bash
# Lets cups copy and register the file, then wants to move and remove what is gone already.
[[ $1 =~ ^(.*)_([^_]+_[^_]+)-([0-9]+)-([0-9]+)\.root$ ]]
./cups.py -r ${BASH_REMATCH[3]} -s ${BASH_REMATCH[4]} -d ${1%%-*} stageout $1 $2 --dsttype ${BASH_REMATCH[1]} --dataset ${BASH_REMATCH[2]} --nevents $(grep -c ^event $1) --inc --prodtype only
mv -v $1 $2
rm $1
