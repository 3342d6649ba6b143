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

// Install replaces keys, certificates and secrets, and gives both secrets all
// their tries, in one durable step: until it returns the pair in use works, from
// then on the new one. Each certificate must be of its key.
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
	for name, v := range map[string]secret.Verifier{jpkiAuthPIN: in.PIN, jpkiSignPIN: in.Password} {
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
