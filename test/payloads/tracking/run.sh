#!/bin/bash
# No wrapper; the log directory is the eleventh argument. Its macro fails, and so does it: events are set, not added.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${11#file:/} from=${13} items=${14}
{
  for item in ${items//,/ }; do cp -v $from/$item .; done
  ./cups.py -r $run -s $seg -d $base started
  for path in ${9//,/ }; do
    cp -v $path .
    echo ${path##*/} >> input.list
  done
  ./cups.py -r $run -s $seg -d $base running
  ./bachi.py --blame cups created ${log%%-*} $run --parent ${9%%,*}
  root.exe -q -b "merge.C($n,\"input.list\",\"$log.root\")"
  code=$?
  [ $code -ne 0 ] || ./stageout.sh $log.root $out
  ./cups.py -v -r $run -s $seg -d $base finished -e $code --nevents $n
} > $log.out 2> $log.err
mv $log.out $logs
mv $log.err $logs
exit $code
