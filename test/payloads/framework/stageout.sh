#!/bin/bash
# Hands a file over: stageout.sh FILE DIRECTORY [NEWNAME]. Its words come from the name, its events from a macro.
file=${1##*/}
where=$2
if [ -n "$3" ] && [ "$file" != "$3" ]; then
  mv "$file" "$3"
  file=$3
fi
if ! [[ ${file%.root} =~ ^([A-Z]+_[A-Za-z0-9_]+)_([a-z]+[0-9]*)_(20[0-9]{2}p[0-9]{3})-([0-9]+)-([0-9]+)$ ]]; then
  echo "No name of a dataset: $file"
  exit 1
fi
type=${BASH_REMATCH[1]} dataset=${BASH_REMATCH[2]}_${BASH_REMATCH[3]} run=${BASH_REMATCH[4]} segment=${BASH_REMATCH[5]}
entries=$(root.exe -q -b "count.C(\"$file\")" | sed -n 's/^Number of Entries: //p')
how=many
[ -e one-output ] && how=only
./cups.py -r $run -s $segment -d ${type}_$dataset stageout $file $where --dsttype $type --dataset $dataset --nevents ${entries:--1} --inc --prodtype $how
./bachi.py --blame cups updated ${type}_$dataset $run
