"""Another reader of Pellets, written from docs/formats/pellet.md and pellet-delta.md alone: standard library and the zstd program.

usage: reader.py NAME.pellet [ANCESTOR.pellet...]
Makes the tar stream anew from the sidecar's entries and compares it with the archive's, checks every digest, the cut into frames, the
delta and the signature, and prints each entry: path, type, mode, BLAKE3 of the content taken out by frame and offset, target; in hex."""
import json, struct, subprocess, sys

from digests import M32, blake3, signed

TYPES = {'file': b'f0', 'directory': b'd5', 'symlink': b's2', 'hardlink': b'h1'}


def check(holds, *what):
    if not holds:
        sys.exit('not a pellet: ' + ' '.join(map(str, what)))


# The forms of the sidecar.
def raw(value):
    return value.encode() if isinstance(value, str) else bytes.fromhex(value['hex'])


def u32(n): return struct.pack('<I', n)
def u64(*n): return struct.pack(f'<{len(n)}Q', *n)
def led(data): return u32(len(data)) + data
def padded(data): return data + bytes(-len(data) % 512)
def cut(frames): return [(f['offset'], f['compressed'], f['content']) for f in frames]
def attributes(e): return sorted((raw(a['name']), raw(a['value'])) for a in e.get('attributes', []))


def head(name, mode, size, mtime, kind, target=b'', posix=False):
    number = lambda n, width: (b'%0*o\0' % (width - 1, n) if n < 8**(width - 1) else b'\x80' + n.to_bytes(width - 1, 'big'))
    block = struct.pack('100s8s8s8s12s12s8s1s100s8s247x', name, number(mode, 8), number(0, 8), number(0, 8), number(size, 12),
                        number(mtime, 12), b' ' * 8, kind, target, b'ustar\x0000' if posix else b'ustar  \0')
    return block[:148] + number(sum(block), 8) + block[156:]


def record(key, value):
    rest = len(key) + len(value) + 3
    length = next(n for n in range(rest, rest + 20) if n == rest + len(str(n)))
    return b'%d %s=%s\n' % (length, key, value)


def header(e, mtime):
    """All that stands before the content of an entry."""
    name, target = raw(e['path']) + b'/' * (e['type'] == 'directory'), raw(e.get('target', ''))
    size, records, map_, out = stored(e), b'', b'', b''
    for flag, text in ((b'K', target), (b'L', b'' if 'sparse' in e else name)):
        if len(text) > 100:
            out += head(b'././@LongLink', 0o644, len(text) + 1, 0, flag) + padded(text + b'\0')
    if 'sparse' in e:
        ends = e['sparse'] and sum(e['sparse'][-1]) == e['size']
        segments = e['sparse'] + ([] if ends else [[e['size'], 0]])
        map_ = padded(b''.join(b'%d\n' % n for n in (len(segments), *sum(segments, []))))
        for key, value in ((b'major', b'1'), (b'minor', b'0'), (b'name', name), (b'realsize', b'%d' % e['size'])):
            records += record(b'GNU.sparse.' + key, value)
        parent, slash, last = name.rpartition(b'/')
        name = parent + slash + b'GNUSparseFile.0/' + last
    for key, value in attributes(e):
        records += record(b'SCHILY.xattr.' + key.replace(b'%', b'%25').replace(b'=', b'%3D'), value)
    if records:
        out += head(b'././@PaxHeader', 0o644, len(records), 0, b'x', posix=True) + padded(records)
    kind = TYPES[e['type']][1:]
    return out + head(name, int(e['mode'], 8), len(map_) + size, mtime, kind, target, bool(records)) + map_


def stored(e):
    return sum(n for _, n in e['sparse']) if 'sparse' in e else e.get('size', 0)


def described(e, name, link, directory=b''):
    """The record of an entry in the digest of the tree, or of a directory."""
    kind = TYPES[e['type']][:1]
    body = {b'f': lambda: u64(e['size']) + bytes.fromhex(e['blake3']), b'd': lambda: directory}.get(kind, lambda: led(link))()
    listed = attributes(e)
    return kind + u32(int(e['mode'], 8)) + led(name) + body + u32(len(listed)) + b''.join(led(t) for pair in listed for t in pair)


def directories(entries):
    """Compares the digests of all directories; returns the root's."""
    by_path, inside = {raw(e['path']): e for e in entries}, {b'': []}
    for e in entries:
        path = raw(e['path'])
        inside[path.rpartition(b'/')[0]].append(path)
        if e['type'] == 'directory':
            inside[path] = []
    for directory in sorted(inside, reverse=True):
        records = b'nestr.directory.v1\n'
        for path in sorted(inside[directory]):
            e = by_path[path]
            e = by_path[raw(e['target'])] if e['type'] == 'hardlink' else e
            records += described(e, path.rpartition(b'/')[2], raw(e.get('target', '')), bytes.fromhex(e.get('merkle', '')))
        found = blake3(records).hex()
        check(directory == b'' or by_path[directory]['merkle'] == found, 'digest of directory', directory)
    return found


def places(sizes, limit):
    """The cut: frame and offset of each size, and the lengths of the frames."""
    lengths, out = [0], []
    for size in sizes:
        if lengths[-1] + size > limit if size <= limit else lengths[-1] == limit:
            lengths.append(0)
        out.append((len(lengths) - 1, lengths[-1]))
        while lengths[-1] + size > limit:
            size -= limit - lengths[-1]
            lengths[-1:] = [limit, 0]
        lengths[-1] += size
    return out, lengths


class Archive:
    def __init__(self, file):
        self.data = open(file, 'rb').read()
        n, descriptor, magic = struct.unpack('<IBI', self.data[-9:])
        at = len(self.data) - 17 - 8 * n
        check(magic == 0x8F92EAB1 and descriptor == 0, 'seek table')
        check(struct.unpack_from('<II', self.data, at) == (0x184D2A5E, 8 * n + 9), 'seek table')
        self.frames, offset, self.contents = [], 0, {}
        for i in range(n):
            compressed, content = struct.unpack_from('<II', self.data, at + 8 + 8 * i)
            self.frames.append((offset, compressed, content))
            offset += compressed
        self.mark, self.digest = self.data[offset:at], blake3(self.data).hex()

    def content(self, i):
        if i not in self.contents:
            offset, compressed, content = self.frames[i]
            zstd = subprocess.run(['zstd', '-dcq', '--long=27'], input=self.data[offset:offset + compressed], stdout=subprocess.PIPE)
            check(zstd.returncode == 0 and len(zstd.stdout) == content, 'frame', i)
            self.contents[i] = zstd.stdout
        return self.contents[i]

    def bytes(self, frame, offset, n):
        out = b''
        while len(out) < n:
            check(frame < len(self.frames), 'an entry leads out of the archive')
            out += self.content(frame)[offset:offset + n - len(out)]
            frame, offset = frame + 1, max(0, offset - self.frames[frame][2])
        return out


def content(archive, e):
    parts, at, packed = [], 0, archive.bytes(e['frame'], e['offset'] + e.get('header', 512), stored(e))
    for offset, n in e.get('sparse', [[0, len(packed)]]):
        parts += [bytes(offset - at), packed[:n]]
        packed, at = packed[n:], offset + n
    return b''.join(parts) + bytes(e['size'] - at)


def head_digest(s):
    p = s['parameters']
    text = lambda value: led(value.encode())
    known = lambda *names: b''.join(u32(p.get(name, 0)) for name in names)
    table = lambda frames: u32(len(frames)) + b''.join(struct.pack('<QII', *frame) for frame in cut(frames))
    layers, extra = s.get('delta', {}).get('layers', []), ('long_distance_bucket_log', 'hash_log', 'chain_log', 'min_match')
    out = b'nestr.sidecar.v1\n' + u32(s['schema_version']) + text(s['name']) + text(s['profile']) + u32(p['frame_size'])
    out += struct.pack('<i', p['level']) + known('window_log', 'long_distance_matching', 'long_distance_min_match', 'long_distance_hash_rate_log')
    out += u64(p['mtime']) + text(p['zstd']) + text(s['created_by']) + table(s['frames']) + u32(len(layers))
    out += b''.join(bytes.fromhex(layer['digest']) + table(layer['frames']) for layer in layers) + u32(len(s['entries']))
    for e in s['entries']:
        out += u32(e.get('layer', 0)) + u64(e['frame'], e['offset'], e.get('header', 512))
        out += u32(len(e['sparse'])) + u64(*sum(e['sparse'], [])) if 'sparse' in e else u32(M32)
    return blake3(out + (known(*extra) if any(name in p for name in extra) else b''))


def main(file, *ancestors):
    s = json.load(open(file.removesuffix('.pellet') + '.meta.json', encoding='utf-8'))
    archives, entries, delta = [Archive(file)], s['entries'], s.get('delta')
    own = archives[0]
    check(s['schema_version'] == (2 if delta else 1) and own.digest == s['digest'], 'digest of the archive')
    check(own.frames == cut(s['frames']) and s['totals']['bytes_out'] == len(own.data), 'frames')
    tree = blake3(b'nestr.tree.v1\n' + b''.join(described(e, raw(e['path']), raw(e.get('target', ''))) for e in entries))
    check(tree.hex() == s['tree'], 'digest of the tree')
    check(directories(entries) == s['merkle'], 'digest of the root')
    mark = b''
    if delta:
        layers = [bytes.fromhex(layer['digest']) for layer in delta['layers']]
        body = b'nestr.delta.v1\n' + tree + bytes.fromhex(delta['base']) + u32(len(layers)) + b''.join(layers)
        mark = u32(0x184D2A5D) + led(body)
        known = {a.digest: a for a in map(Archive, ancestors)}
        for layer in delta['layers']:
            archives.append(known[layer['digest']])
            check(archives[-1].frames == cut(layer['frames']), 'frames of a layer')
    check(own.mark == mark, 'mark')
    stream, limit, mtime = b'', s['parameters']['frame_size'], s['parameters']['mtime']
    mine = [e for e in entries if not e.get('layer')]
    cuts, lengths = places([e.get('header', 512) + stored(e) + -stored(e) % 512 for e in mine] + [1024], limit)
    check([(e['frame'], e['offset']) for e in mine] == cuts[:-1] and lengths == [f[2] for f in own.frames], 'the cut')
    for e in entries:
        before, data = header(e, mtime), b''
        check(len(before) == e.get('header', 512), 'header of', e['path'])
        if e['type'] == 'file':
            data = content(archives[e.get('layer', 0)], e)
            check(blake3(data).hex() == e['blake3'], 'content of', e['path'])
        if not e.get('layer'):
            stream += before + padded(own.bytes(e['frame'], e['offset'] + len(before), stored(e)))
        print(raw(e['path']).hex(), e['type'], e['mode'], e.get('blake3', '-'), raw(e.get('target', '')).hex() or '-')
    check(stream + bytes(1024) == b''.join(map(own.content, range(len(own.frames)))), 'tar stream')
    check(s['totals']['bytes_tar'] == len(stream) + 1024, 'bytes_tar')
    if 'signature' in s:
        key, value = (bytes.fromhex(s['signature'][name]) for name in ('key', 'value'))
        message = b'nestr.pellet.signature.v1\n' + bytes.fromhex(s['digest']) + tree + head_digest(s)
        check(len(message) == 122 and signed(key, message, value), 'signature')


main(*sys.argv[1:])
