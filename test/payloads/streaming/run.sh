#!/bin/bash
# No wrapper; its directory is transferred. One log, straight in the log directory. The cupsid is only in the environment.
n=$1 base=$2 log=$3 run=$4 seg=$5 out=$6 logs=${12} hist=${14}
release=${7/./}
report() { ./cups.py -r $run -s $seg -d $base "$@"; }
save_log() { mv $log.out ${logs#file:/}; }
trap save_log SIGTERM
trap save_log SIGSTOP
trap save_log SIGKILL
echo "before the log: $release"
{
  export USER=$(id -un)
  export LOGNAME=$USER HOME=/home/nobody/of/that/name
  # The segment instead of the build: an old mistake that does no harm.
  source /opt/nowhere/setup.sh -n $5
  export ODBCINI=./odbc.ini
  report started
  all=
  for path in ${9//,/ }; do
    name=${path##*/}
    case $name in
      TPC_ebdc*) echo $path >> tpc${name:8:2}.list ;;
      GL1_*) echo $path >> gl1.list ;;
      physics_intt*) echo $path >> ${name:8:5}.list ;;
    esac
    all="$path $all"
  done
  touch tpot.list mvtx0.list gl1.list
  report inputs --files $all
  report running
  ./bachi.py --blame cups created ${log%%-*} $run
  root.exe -q -b "combine.C($n,$run,\"$base\",\"$out\",root,\"gl1.list\",HIST_STREAM.root)"
  code=$?
  ./cups.py -v -r $run -s $seg -d $base finished -e $code --nevents 0 --inc
  [ $code -ne 0 ] || ./bachi.py --blame cups finalized ${log%%-*} $run
  mv HIST_*.root $hist
  rm -f *.root *.list
} >& ${logs#file:/}/$log.out
exit $code
