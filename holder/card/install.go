package card

import (
	"crypto/rsa"
	"fmt"
	"maps"

	"tegata/internal/pki"
	"tegata/internal/secret"
)

// An Installation is a pair of keys that an element made beside the one in use,
// and all that belongs to it.
type Installation struct {
	Keys                      map[pki.Kind]*rsa.PrivateKey
	Certificates, Authorities map[pki.Kind][]byte // DER
	PIN, Password             secret.Verifier
}

// Install replaces the keys in it, their certificates and their secrets, and gives
// these secrets all their tries, in one durable step: until it returns what was in use
// works, from then on the new. Each certificate must be of its key.
func (i *Inside) Install(in Installation) error {
	m := i.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	next, keys := m.state.clone(), maps.Clone(m.keys)
	for kind, key := range in.Keys {
		if err := m.profile.check(kind); err != nil {
			return err
		}
		if err := next.putKey(keys, kind, key); err != nil {
			return err
		}
		if err := next.putCertificate(kind, key, in.Certificates[kind], in.Authorities[kind]); err != nil {
			return err
		}
	}
	for kind, v := range map[pki.Kind]secret.Verifier{pki.PhoneAuth: in.PIN, pki.PhoneSign: in.Password} {
		if in.Keys[kind] == nil {
			continue
		}
		name := map[pki.Kind]string{pki.PhoneAuth: jpkiAuthPIN, pki.PhoneSign: jpkiSignPIN}[kind]
		ref := next.Secrets[name]
		ref.Verifier, ref.Left = v, ref.Max
		next.Secrets[name] = ref
	}
	next.Personalised = true
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: install: %w", err)
	}
	m.keys = keys
	return nil
}
