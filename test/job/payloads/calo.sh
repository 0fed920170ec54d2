#!/usr/bin/bash
# In the style of the calorimeter and jet scripts: stages its own files, copies its input here, moves local logs at the
# end, and on a signal; one output, then finished; the script's status is the macro's.
logbase=${3} outbase=${2} runnumber=${4} segment=${5} outdir=${6}
inputs=(`echo ${9} | tr "," " "`)
logdir=${12:-.}
histdir=${13:-.}
subdir=${14}
payload=(`echo ${15} | tr ","  " "`)
export cupsid=${16}
sighandler()
{
echo "signal handler"
mv ${logbase}.out ${logdir#file:/}
mv ${logbase}.err ${logdir#file:/}
./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} finished -e 255 --nevents 0
}
trap sighandler SIGTERM SIGINT SIGKILL
{
for i in ${payload[@]}; do
    cp --verbose ${subdir}/${i} .
done
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} started
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} inputs --files ${inputs[@]}
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} running
status=0
for infile in ${inputs[@]}; do
    cp -v ${infile} .
    ./macro.sh $( basename ${infile} ) ${logbase}.root; status=$?
    ./stageout.sh ${logbase}.root ${outdir}
    for hfile in `ls HIST_*.root`; do ./stageout.sh ${hfile} ${histdir}; done
done
./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} finished -e ${status} --nevents ${nevents:--1} --inc
echo "That's all"
} > ${logbase}.out 2>${logbase}.err
mv ${logbase}.out ${logdir#file:/}
mv ${logbase}.err ${logdir#file:/}
exit $status
