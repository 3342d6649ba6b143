package ra

import (
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"tegata/internal/attest"
	"tegata/internal/problem"
)

// Policy says which phones are accepted. The authority knows no element by
// name: only whose root vouches for it, what it attests, and which models are
// on the list.
type Policy struct {
	// Roots are the makers. The sandbox's own maker makes elements of software,
	// says so in its name, and is trusted in a sandbox only.
	Roots []*x509.Certificate
	// MinLevel is the lowest security level of attestation and key.
	MinLevel attest.SecurityLevel
	// Models are the supported ones. Empty: none is.
	Models []Model
	// Revoked reports a certificate that its maker withdrew; nil: no list.
	Revoked func(*x509.Certificate) bool
}

// Model is a supported model, as the hardware attests it. An empty field
// matches nothing but an empty one.
type Model struct {
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
}

// supports judges from attested properties, never from what the phone says.
func (p Policy) supports(s attest.Statement) bool {
	for _, m := range p.Models {
		if m.Manufacturer == s.Manufacturer && m.Model == s.Model {
			return true
		}
	}
	return false
}

func (r *RA) trust() attest.Trust {
	return attest.Trust{Roots: r.config.Policy.Roots, ElementExtension: r.config.Arc.ElementExtension(), Revoked: r.config.Policy.Revoked}
}

// attested verifies one chain against the policy. which names the key in a
// refusal: "device", "auth" or "sign".
func (r *RA) attested(which string, chain [][]byte, challenge []byte, kind attest.KeyType, at time.Time) (attest.Statement, crypto.PublicKey, error) {
	s, key, err := attest.Verify(chain, r.trust(), r.expect(challenge, kind), at)
	return s, key, r.judge(which, s, err)
}

func (r *RA) expect(challenge []byte, kind attest.KeyType) attest.Expectation {
	return attest.Expectation{Challenge: challenge, Type: kind, MinLevel: r.config.Policy.MinLevel}
}

// judge is what the policy says of an attestation that was verified with err.
func (r *RA) judge(which string, s attest.Statement, err error) error {
	switch {
	case err != nil:
		return attestationProblem(err).With("which", which).Because(err)
	case !r.config.Policy.supports(s):
		return ErrUnsupportedPhone.With("which", which)
	}
	return nil
}

// proved verifies a key proof: the request is signed by its key, and the chain
// is about that key.
func (r *RA) proved(which string, p KeyProof, challenge []byte, at time.Time) (attest.Statement, crypto.PublicKey, error) {
	s, key, err := attest.VerifyProof(p, r.trust(), r.expect(challenge, attest.RSA2048), at)
	if errors.Is(err, attest.ErrRequest) {
		return s, nil, ErrCSR.With("which", which).Because(err)
	}
	return s, key, r.judge(which, s, err)
}

func attestationProblem(err error) *problem.Problem {
	for _, c := range []struct {
		is   error
		code *problem.Problem
	}{
		{attest.ErrUnknownMaker, ErrAttestationRoot},
		{attest.ErrMakerRevoked, ErrAttestationRoot},
		{attest.ErrOldChallenge, ErrAttestationChallenge},
		{attest.ErrOtherKey, ErrAttestationKey},
		{attest.ErrKeyType, ErrKeyUnsuitable},
		{attest.ErrSoftware, ErrAttestationLevel},
		{attest.ErrNotGenerated, ErrAttestationExportable},
		{attest.ErrExportable, ErrAttestationExportable},
		{attest.ErrPurpose, ErrAttestationPurpose},
		{attest.ErrUnlockedBoot, ErrAttestationBoot},
		{attest.ErrNoElement, ErrAttestationElement},
	} {
		if errors.Is(err, c.is) {
			return c.code
		}
	}
	return ErrAttestationMalformed // broken, out of its validity or unreadable
}
