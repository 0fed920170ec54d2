#!/bin/bash
# Four numbers in the name: run, last run, segment, iteration; the dataset is only that.
name=${1%.root}
numbers=(${name#*-})
numbers=(${numbers//-/ })
./cups.py -r ${numbers[0]} -s ${numbers[2]} -d none --dstfile $name stageout $1 $2 --dsttype ${name%_*_*} --dataset ${numbers[3]} --nevents -1 --prodtype only
