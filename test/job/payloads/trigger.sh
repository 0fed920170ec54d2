#!/usr/bin/bash
# In the style of the triggered event builders: an event window, ranges that must match the inputs, finished before the
# one output is staged out by a stageout.sh from the PATH.
outbase=${2} logbase=${3} runnumber=${4} segment=${5} outdir=${6}
inputs=(`./cups.py -r ${4} -s ${5} -d ${2} getinputs`)
ranges=(`./cups.py -r ${4} -s ${5} -d ${2} getranges`)
logdir=${12}
firstevent=${16} lastevent=${17} lasteventinrun=${18}
export cupsid=${19}
{
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} started
if [ ${#inputs[@]} -ne ${#ranges[@]} ]; then
   ./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} finished -e 1 --nevents 0
   exit 1
fi
echo ${firstevent} ${lastevent} ${lasteventinrun}
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} inputs --files ${inputs[@]}
./cups.py -r ${runnumber} -s ${segment} -d ${outbase} running
cat ${inputs[@]} > ${logbase}.root; status_f4a=$?
./cups.py -v -r ${runnumber} -s ${segment} -d ${outbase} finished -e ${status_f4a} --nevents 0 --inc
if [ "${status_f4a}" -eq 0 ]; then
   stageout.sh ${logbase}.root ${outdir}
fi
} >& ${logdir#file:/}/${logbase}.out
exit ${status_f4a}
