#!/bin/bash
# In the wrapper. Works on copies of its inputs, one output for each; logs are local, and moved at the end or on a signal.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12#file:/} hist=${13} from=${14} items=${15}
report() { ./cups.py -v -r $run -s $seg -d $base "$@"; }
leave() {
  mv $log.out $log.err $logs
  report finished -e 255 --nevents 0
}
trap leave SIGTERM SIGINT SIGKILL
{
  # What the wrapper has staged already, again.
  for item in ${items//,/ }; do cp -v $from/$item .; done
  touch one-output
  report started
  report inputs --files ${9//,/ }
  report running
  ./bachi.py --blame cups created ${log%%-*} $run --parent ${9%%,*}
  for path in ${9//,/ }; do
    cp -v $path .
    name=${path##*/}
    made=${name/TRIGGERED_EVENT/CALOFITTING}
    histogram=${made/DST_CALO/HIST_CALOQA}
    root.exe -q -b "convert.C(-1,\"$name\",\"$made\",\"$histogram\")"
    code=$?
    ./stageout.sh $made $out
    for file in HIST_*; do ./stageout.sh $file $hist; done
  done
  [ $code -ne 0 ] || ./bachi.py --blame cups finalized ${log%%-*} $run
  report finished -e $code --nevents -1 --inc
  echo "on standard error" >&2
} > $log.out 2> $log.err
mv $log.out $log.err $logs
exit $code
