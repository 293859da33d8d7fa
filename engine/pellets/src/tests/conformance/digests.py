"""BLAKE3 and the verifying half of ed25519, in plain Python: slow, and nobody's library but the standard one."""
import struct
from hashlib import sha512

M32 = 0xFFFFFFFF

# BLAKE3, the plain hash. https://github.com/BLAKE3-team/BLAKE3-specs
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
LANES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def compress(cv, words, counter, length, flags):
    v = [*cv, *IV[:4], counter & M32, counter >> 32, length, flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(LANES):
            va, vb, vc, vd = v[a], v[b], v[c], v[d]
            for word, far, near in ((words[2 * i], 16, 12), (words[2 * i + 1], 8, 7)):
                va = va + vb + word & M32
                vd ^= va
                vd = (vd >> far | vd << 32 - far) & M32
                vc = vc + vd & M32
                vb ^= vc
                vb = (vb >> near | vb << 32 - near) & M32
            v[a], v[b], v[c], v[d] = va, vb, vc, vd
        words = [words[k] for k in ORDER]
    return [v[k] ^ v[k + 8] for k in range(8)]


def blake3(data, start=0, root=8):
    if len(data) <= 1024:
        cv, blocks = IV, range(0, max(len(data), 1), 64)
        for at in blocks:
            block = data[at:at + 64]
            flags = (at == 0) + (at == blocks[-1]) * (2 | root)
            cv = compress(cv, struct.unpack('<16I', block.ljust(64, b'\0')), start, len(block), flags)
    else:
        left = 1024
        while left * 2 < len(data):
            left *= 2
        words = blake3(data[:left], start, 0) + blake3(data[left:], start + left // 1024, 0)
        cv = compress(IV, words, 0, 64, 4 | root)
    return struct.pack('<8I', *cv) if root else cv


# ed25519, verification only. RFC 8032
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)


def point(raw):
    y = int.from_bytes(raw, 'little') & ~(1 << 255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if x * x % P != square:
        raise ValueError('no point of the curve')
    return (x if x & 1 == raw[31] >> 7 else P - x), y


def add(p, q):
    product = D * p[0] * q[0] * p[1] * q[1]
    x, y = p[0] * q[1] + q[0] * p[1], p[1] * q[1] + p[0] * q[0]
    return x * pow(1 + product, -1, P) % P, y * pow(1 - product, -1, P) % P


def times(n, p):
    sum_ = (0, 1)
    for bit in bin(n)[2:]:
        sum_ = add(sum_, sum_)
        sum_ = add(sum_, p) if bit == '1' else sum_
    return sum_


def signed(key, message, value):
    y = 4 * pow(5, -1, P) % P
    base, s = point(y.to_bytes(32, 'little')), int.from_bytes(value[32:], 'little')
    k = int.from_bytes(sha512(value[:32] + key + message).digest(), 'little') % L
    return s < L and times(s, base) == add(point(value[:32]), times(k, point(key)))
