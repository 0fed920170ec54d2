#!/usr/bin/bash
# In the style of the tracking scripts: inputs copied here and listed by basename, output before finished, events set.
nevents=${1} outbase=${2} logbase=${3} runnumber=${4} segment=${5} outdir=${6}
inputs=(`echo ${9} | tr "," " "`)
logdir=${11:-.}
{
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} started
for i in ${inputs[@]}; do
   cp -v ${i} .
   echo $( basename $i ) >> inlist
done
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} running
cat $(cat inlist) > ${logbase}.root; status=$?
./stageout.sh ${logbase}.root ${outdir}
./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} finished -e ${status} --nevents ${nevents}
} > ${logbase}.out 2>${logbase}.err
mv ${logbase}.out ${logdir#file:/}
mv ${logbase}.err ${logdir#file:/}
exit $status
