package secret

import (
	"crypto/rand"
	"crypto/subtle"

	"golang.org/x/crypto/argon2"
)

// Cost is how much work one comparison takes (argon2id, RFC 9106).
type Cost struct {
	Time      uint32 // passes
	MemoryKiB uint32
	Threads   uint8
}

// StandardCost is what everything but tests uses: about 40 ms on one core. It is
// the second choice of RFC 9106, section 4, scaled to 19 MiB.
func StandardCost() Cost { return Cost{Time: 2, MemoryKiB: 19 << 10, Threads: 1} }

// TestCost makes a comparison nearly free. Only tests use it.
func TestCost() Cost { return Cost{Time: 1, MemoryKiB: 8, Threads: 1} }

// Verifier recognises a secret without holding it. It may be serialized, inside
// sealed state.
type Verifier struct {
	Salt      []byte `json:"salt"` // 16 bytes
	Hash      []byte `json:"hash"` // 32 bytes
	TimeCost  uint32 `json:"time_cost"`
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
}

// NewVerifier makes a verifier of r under a fresh salt.
func NewVerifier(r Revealer, cost Cost) Verifier {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return NewVerifierWithSalt(r, salt, cost)
}

// NewVerifierWithSalt makes a verifier under a salt that somebody else chose: the
// authority's, for a lock code that it must later recognise.
func NewVerifierWithSalt(r Revealer, salt []byte, cost Cost) Verifier {
	v := Verifier{
		Salt:     append([]byte(nil), salt...),
		TimeCost: cost.Time, MemoryKiB: cost.MemoryKiB, Threads: cost.Threads,
	}
	r.Reveal(func(b []byte) { v.Hash = v.derive(b) })
	return v
}

// Matches says whether r is the secret.
func (v Verifier) Matches(r Revealer) bool {
	var ok bool
	r.Reveal(func(b []byte) { ok = v.MatchesBytes(b) })
	return ok
}

// MatchesBytes is Matches for bytes that arrived in a VERIFY command. A verifier
// outside sane bounds matches nothing: a corrupted one must not exhaust memory.
func (v Verifier) MatchesBytes(b []byte) bool {
	if len(v.Hash) != 32 || len(v.Salt) < 8 || v.TimeCost == 0 || v.TimeCost > 16 ||
		v.MemoryKiB == 0 || v.MemoryKiB > 256<<10 || v.Threads == 0 {
		return false
	}
	return subtle.ConstantTimeCompare(v.derive(b), v.Hash) == 1
}

func (v Verifier) derive(b []byte) []byte {
	return argon2.IDKey(b, v.Salt, v.TimeCost, v.MemoryKiB, v.Threads, 32)
}
