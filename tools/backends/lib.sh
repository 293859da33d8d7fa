# Shared by build and path: where built servers live and what names them. Sourced, never run.
# shellcheck shell=bash disable=SC2034

backends_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
backends_cache=${XDG_CACHE_HOME:-$HOME/.cache}/nestr-perch/backends

# Raised when a change of the recipe itself (flags, layout) makes earlier builds unusable.
recipe_version=1

known_servers() {
    local recipe
    for recipe in "$backends_src"/*/recipe; do
        basename "$(dirname "$recipe")"
    done
}

is_known() {
    [[ -f $backends_src/$1/recipe ]]
}

# The key follows the server's folder alone, so a new Go release does not rebuild everything.
server_key() {
    local dir=$backends_src/$1
    {
        echo "$recipe_version $(uname -m)"
        cat "$dir/recipe" "$dir/go.mod" "$dir/go.sum"
        find "$dir" -name '*.go' -print0 | LC_ALL=C sort -z | xargs -0r cat
    } | sha256sum | cut -c1-12
}

# The servers that `build` makes when none is named.
default_servers() {
    local server
    for server in $(known_servers); do
        load_recipe "$server"
        [[ $on_demand == yes ]] || echo "$server"
    done
}

# Sets binaries, ldflags, debian_package, debian_binaries and on_demand from the server's recipe.
load_recipe() {
    binaries='' ldflags='' debian_package='' debian_binaries='' on_demand=no
    # shellcheck source=/dev/null
    source "$backends_src/$1/recipe"
}

# Names the server whose recipe makes the given binary (promtool → prometheus).
server_of_binary() {
    local server entry
    for server in $(known_servers); do
        load_recipe "$server"
        for entry in $binaries; do
            [[ ${entry%%=*} == "$1" ]] && { echo "$server"; return 0; }
        done
    done
    return 1
}

is_built() {
    local server=$1 entry
    load_recipe "$server"
    for entry in $binaries; do
        [[ -x $backends_cache/$server-$(server_key "$server")/bin/${entry%%=*} ]] || return 1
    done
}
