package card

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// keyBits is the size of every key: the ID card's, and all that card programs
// expect.
const keyBits = 2048

// Place is where a card rests: one sealed file, and its version in another file
// elsewhere, so that the sealed file alone put back is refused.
type Place struct {
	Files             durable.Files
	Sealer            *secret.Sealer
	Path, CounterPath string
}

// Spec is what a new card begins with.
type Spec struct {
	Token Token
	// Cost is the work of one comparison of a secret: secret.StandardCost().
	Cost secret.Cost
	// Keys are put in instead of generating them, by kind. A card maker that
	// imports keys and tests use it; all others leave it nil.
	Keys map[pki.Kind]*rsa.PrivateKey
}

// Create makes a blank card at p: its two key pairs are generated inside, no
// secret is set and no certificate written. It refuses to replace a card. Open
// and Create must be called by one process only; Box sees to that.
func Create(p Place, spec Spec) (*Card, error) {
	s, keys, err := newState(ProfileCard, spec)
	if err != nil {
		return nil, err
	}
	if err := s.generate(keys, pki.CardAuth, pki.CardSign); err != nil {
		return nil, err
	}
	file, err := secret.CreateStateFile(p.Files, p.Sealer, p.Path, p.CounterPath, s.marshal())
	if err != nil {
		return nil, fmt.Errorf("card: create: %w", err)
	}
	return assemble(&memory{profile: s.Profile, save: keeper(p, file), state: s, keys: keys}, nil, nil), nil
}

// Open wakes the card that rests at p. The error wraps secret.ErrRolledBack when
// its file is older than its counter, and secret.ErrSealBroken when it does not
// open.
func Open(p Place) (*Card, error) {
	file, plain, err := secret.OpenStateFile(p.Files, p.Sealer, p.Path, p.CounterPath)
	if err != nil {
		return nil, fmt.Errorf("card: open: %w", err)
	}
	s, keys, err := parseState(plain)
	if err != nil {
		return nil, err
	}
	if s.Profile != ProfileCard {
		return nil, fmt.Errorf("card: open: the state is that of a %s", s.Profile)
	}
	return assemble(&memory{profile: s.Profile, save: keeper(p, file), state: s, keys: keys}, nil, nil), nil
}

// keeper writes states to file. After a failed write the file is opened again
// before the next, so that a disk that was full for a while costs no card.
func keeper(p Place, file *secret.StateFile) func([]byte) error {
	broken := false
	return func(state []byte) error {
		if broken {
			again, _, err := secret.OpenStateFile(p.Files, p.Sealer, p.Path, p.CounterPath)
			if err != nil {
				return err
			}
			file = again
		}
		err := file.Write(state)
		broken = err != nil
		return err
	}
}

// newState is the state of a token whose keys are spec's, without any other.
func newState(profile Profile, spec Spec) (state, map[string]*rsa.PrivateKey, error) {
	token, err := spec.Token.complete()
	if err != nil {
		return state{}, nil, err
	}
	if spec.Cost == (secret.Cost{}) {
		return state{}, nil, errors.New("card: the cost of a comparison is not set")
	}
	s := state{
		Profile: profile, Token: token, Cost: spec.Cost,
		Secrets: map[string]reference{
			jpkiAuthPIN: {Max: authTries}, // no tries until it is set
			jpkiSignPIN: {Max: signTries},
		},
		Files: map[string][]byte{}, Keys: map[string][]byte{},
	}
	keys := map[string]*rsa.PrivateKey{}
	for kind, key := range spec.Keys {
		if err := profile.check(kind); err != nil {
			return state{}, nil, err
		}
		if err := s.putKey(keys, kind, key); err != nil {
			return state{}, nil, err
		}
	}
	return s, keys, nil
}

// names of the files that belong to a kind of certificate.
func keyName(kind pki.Kind) string {
	if kind.Signature() {
		return jpkiSignKey
	}
	return jpkiAuthKey
}

func certificateName(kind pki.Kind) string {
	if kind.Signature() {
		return jpkiSignCertificate
	}
	return jpkiAuthCertificate
}

func authorityName(kind pki.Kind) string {
	if kind.Signature() {
		return jpkiSignAuthority
	}
	return jpkiAuthAuthority
}

func secretName(kind pki.Kind) string {
	if kind.Signature() {
		return jpkiSignPIN
	}
	return jpkiAuthPIN
}

// generate makes a key pair for each of the kinds that has none.
func (s *state) generate(keys map[string]*rsa.PrivateKey, kinds ...pki.Kind) error {
	for _, kind := range kinds {
		if keys[keyName(kind)] != nil {
			continue
		}
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return fmt.Errorf("card: generate a key: %w", err)
		}
		if err := s.putKey(keys, kind, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) putKey(keys map[string]*rsa.PrivateKey, kind pki.Kind, key *rsa.PrivateKey) error {
	return s.putKeyAt(keys, keyName(kind), key)
}

func (s *state) putKeyAt(keys map[string]*rsa.PrivateKey, name string, key *rsa.PrivateKey) error {
	if key.N.BitLen() != keyBits {
		return fmt.Errorf("card: a key of %d bits does not fit, only %d", key.N.BitLen(), keyBits)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return errors.New("card: a key does not encode")
	}
	s.Keys[name], keys[name] = der, key
	return nil
}

// putCertificate writes a certificate and its authority's into s. The
// certificate must be of key, and both must fit what card programs read: DER of
// at least 256 bytes, whose length they take from its bytes 2 and 3.
func (s *state) putCertificate(kind pki.Kind, key *rsa.PrivateKey, certificate, authority []byte) error {
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		return fmt.Errorf("card: certificate %s: %w", kind, err)
	}
	if key == nil || !key.PublicKey.Equal(parsed.PublicKey) {
		return fmt.Errorf("card: certificate %s is not of the key in this %s", kind, s.Profile)
	}
	if _, err := x509.ParseCertificate(authority); err != nil {
		return fmt.Errorf("card: authority %s: %w", kind, err)
	}
	for _, der := range [][]byte{certificate, authority} {
		if len(der) > maxFile || der[0] != 0x30 || der[1] != 0x82 {
			return fmt.Errorf("card: a %s certificate of %d bytes does not fit its file", kind, len(der))
		}
	}
	s.Files[certificateName(kind)], s.Files[authorityName(kind)] = certificate, authority
	return nil
}
