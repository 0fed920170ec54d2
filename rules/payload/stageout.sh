#!/bin/bash
# stageout.sh FILE DIRECTORY: copies a finished file to its place and registers it in the file catalog.
#
# The name of a file says what it is: DSTTYPE_BUILD_TAG[_VERSION]-RUN-SEGMENT.EXTENSION. `cups stageout` copies under a
# temporary name, compares size and checksum, renames, registers, and only then removes the local file.
file=${1}
directory=${2}

name=${file##*/}
if [[ ! ${name} =~ ^(([A-Z][A-Z0-9_]*_[a-z0-9]+)_([a-z0-9]+_([0-9]{4}p[0-9]{3}|nocdbtag)(_v[0-9]{3})?))-([0-9]{8})-([0-9]{5})\.[a-z]+$ ]]; then
  echo "stageout.sh: '${name}' is no name of a data file" >&2
  exit 30
fi
dstname=${BASH_REMATCH[1]}
dsttype=${BASH_REMATCH[2]}
dataset=${BASH_REMATCH[3]}
run=$((10#${BASH_REMATCH[6]}))
segment=$((10#${BASH_REMATCH[7]}))

# A real script asks a macro for the number of entries; our files say it in their first line.
read -r first < "${file}"
events=-1
if [[ ${first} =~ \ events=([0-9]+) ]]; then events=${BASH_REMATCH[1]}; fi

./cups.py -r "${run}" -s "${segment}" -d "${dstname}" stageout "${file}" "${directory}" \
  --dsttype "${dsttype}" --dataset "${dataset}" --nevents "${events}" --inc --prodtype many
