package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
)

// identity is a party's own key and its certificate under the ops authority.
type identity struct {
	signer crypto.Signer
	chain  []*x509.Certificate // leaf first, the ops authority last
}

// partyYears is how long a party's certificate lasts.
const partyYears = 2

// renewBefore is how long before its end a party's certificate is replaced.
const renewBefore = 30 * 24 * time.Hour

// sandboxOperator acts as the sandbox's operator in the audit records.
var sandboxOperator = audit.Actor{Party: "operator", Kind: "party", ID: "sandbox"}

// certify gives a party of the sandbox its certificate, as the operations desk
// does: the key is made and stays in the party's room, only its public half goes
// to the authority. A certificate that lasts is taken from the room.
func certify(ctx context.Context, authority *ca.CA, r *room, label string, party profile.Party, now time.Time) (identity, error) {
	signer, err := r.keys.OpenOrMake(label, secret.P256)
	if err != nil {
		return identity{}, err
	}
	path := filepath.Join(r.keys.Dir, label+".pem")
	chain, err := readChain(path)
	if err != nil {
		return identity{}, err
	}
	if len(chain) > 0 && now.Add(renewBefore).Before(chain[0].NotAfter) && !now.Before(chain[0].NotBefore) {
		return identity{signer, chain}, nil
	}
	draft, err := authority.Prepare(ctx, sandboxOperator, ca.Request{
		Ref:  fmt.Sprintf("%s %s %d", party.ID, label, now.Unix()),
		Kind: pki.Ops, PublicKey: signer.Public(), Party: party, Holder: party.ID, NotAfter: now.AddDate(partyYears, 0, 0),
	})
	if err != nil {
		return identity{}, fmt.Errorf("certify %s: %w", party.ID, err)
	}
	leaf, err := authority.Issue(ctx, sandboxOperator, draft)
	if err != nil {
		return identity{}, fmt.Errorf("certify %s: %w", party.ID, err)
	}
	chain = []*x509.Certificate{leaf, authority.Authority(pki.Ops)}
	text := append(pki.EncodePEM(chain[0].Raw), pki.EncodePEM(chain[1].Raw)...)
	if err := r.keys.Files.WriteFile(path, text, 0o644); err != nil {
		return identity{}, err
	}
	return identity{signer, chain}, nil
}

// readChain reads a room's certificate; nothing when there is none yet.
func readChain(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return pki.ParsePEM(text)
}
