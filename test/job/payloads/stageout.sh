#!/usr/bin/bash
# Brings one file to its place, as the framework's output manager calls it: FILE DESTINATION [NEWNAME]
name=$(basename "$1")
destination=$2
if [ -n "$3" ]; then
  mv "$name" "$3"
  name=$3
fi
if [[ ${name%.root} =~ ([A-Z]+_[A-Z0-9_]+[a-z0-9]+)_([a-z0-9]+)_(202[345]p[0-9]{3})-([0-9]+)-([0-9]+) ]]; then
  dsttype=${BASH_REMATCH[1]} build=${BASH_REMATCH[2]} tag=${BASH_REMATCH[3]} run=${BASH_REMATCH[4]} segment=${BASH_REMATCH[5]}
fi
events=$(grep -c event "$name")
dstname=${name%%-*}
./cups.py -r ${run} -s ${segment} -d ${dstname} stageout ${name} ${destination} --dsttype ${dsttype} --dataset ${build}_${tag} --nevents ${events:--1} --inc --prodtype ${PRODTYPE:-only}
