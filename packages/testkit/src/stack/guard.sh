# Runs one server and stays as its guard. Standard input is a pipe that only the starting process holds: when that
# process ends, however it ends (SIGKILL included), the pipe closes and the server is stopped too.
#
#   sh guard.sh LOG GRACE_SECONDS COMMAND [ARGUMENT…]
#
# Writes the server's process id as the first line of standard output; the server's own output goes to LOG.
# Exits with the server's exit code (128 + signal when a signal ended it).
log=$1
grace=$2
shift 2

exec 3<&0 4>&1 >>"$log" 2>&1
"$@" </dev/null 3<&- 4>&- &
server=$!
echo "$server" >&4
exec 4>&-

(
  # Nothing is ever written to the pipe, so `read` returns when it closes.
  read -r _ <&3
  kill -TERM "$server" && kill -CONT "$server"
  tenths=0
  while [ "$tenths" -lt "${grace}0" ] && kill -0 "$server"; do
    command -p sleep 0.1 # whatever PATH the server is given
    tenths=$((tenths + 1))
  done
  kill -KILL "$server"
) 2>/dev/null &
watch=$!
exec 3<&- </dev/null

wait "$server"
code=$?
kill -KILL "$watch" 2>/dev/null
exit "$code"
