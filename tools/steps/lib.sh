# Shared by the step scripts: timing, the summary, version comparison and the cache folder. Sourced, never run.
# shellcheck shell=bash disable=SC2034

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nestr-perch
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}

if [[ -t 1 ]]; then mark='▸' dots='…'; else mark='>' dots='...'; fi

# Lines of the summary: "state<TAB>seconds<TAB>name".
steps_done=()

now_tenths() {
    local t=${EPOCHREALTIME/[.,]/}
    echo $((t / 100000))
}

seconds() {
    printf '%d.%d' $(($1 / 10)) $(($1 % 10))
}

# step NAME COMMAND... runs the command, says its name before and its time after, and returns its status.
# errexit does not reach into a function run this way: such a function chains with && or returns by itself.
step() {
    local name=$1 start took status=0
    shift
    printf '%s %s %s\n' "$mark" "$name" "$dots"
    start=$(now_tenths)
    "$@" || status=$?
    took=$(($(now_tenths) - start))
    if [[ $status -eq 0 ]]; then
        printf '%s %s %s %s s\n' "$mark" "$name" "$dots" "$(seconds $took)"
        steps_done+=("ok	$took	$name")
    else
        printf '%s %s %s failed after %s s (exit %d)\n' "$mark" "$name" "$dots" "$(seconds $took)" "$status"
        steps_done+=("FAILED	$took	$name")
    fi
    return "$status"
}

# note NAME TEXT: a step with nothing to do.
note() {
    printf '%s %s %s %s\n' "$mark" "$1" "$dots" "$2"
}

summary() {
    local line state took name total=0
    [[ ${#steps_done[@]} -gt 0 ]] || return 0
    echo
    printf '%-8s %9s  %s\n' result seconds step
    for line in "${steps_done[@]}"; do
        IFS=$'\t' read -r state took name <<<"$line"
        total=$((total + took))
        printf '%-8s %9s  %s\n' "$state" "$(seconds "$took")" "$name"
    done
    printf '%-8s %9s  %s\n' '' "$(seconds $total)" total
}

# version_at_least HAVE NEED
version_at_least() {
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

is_root() {
    [[ $(id -u) -eq 0 ]]
}
