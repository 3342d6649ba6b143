package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"tegata/internal/audit"
	"tegata/internal/clock"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	issuerstore "tegata/store/issuer"
)

// benchOffice is an issuer without doors: authorities, ledger and database as
// `up` opens them. The card's signature authority is on P-384, all others are RSA.
type benchOffice struct {
	*room
	store  *issuerstore.Store
	ledger *status.Ledger
	ca     *ca.CA
	now    func() time.Time

	key     *rsa.PrivateKey
	subject *rsa.PublicKey // its other half: every certificate is of this key
	issued  atomic.Int64
}

// who is in the audit records.
func (o *benchOffice) who() audit.Actor {
	return audit.Actor{Party: "operator", Kind: "party", ID: "bench"}
}

func (b *bench) openOffice(ctx context.Context) (*benchOffice, error) {
	if b.office != nil {
		return b.office, nil
	}
	dir, err := b.folder("office")
	if err != nil {
		return nil, err
	}
	r, err := b.build.openRoom(ctx, dir, "issuer", issuerstore.Schema)
	if err != nil {
		return nil, err
	}
	o := &benchOffice{room: r, store: issuerstore.New(r.db), now: clock.System().Now}
	if err := o.open(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	b.office = o
	return o, nil
}

func (o *benchOffice) open(ctx context.Context) (err error) {
	operator := settings{Listen: defaultListen, Organization: "Tegata Bench", Unit: "Bench"}.operator()
	if o.ledger, err = status.OpenLedger(ctx, o.store, o.now); err != nil {
		return err
	}
	o.ca, err = ca.Create(ctx, ca.Config{Operator: operator, Dir: o.keyDir(), Sealer: o.sealer, Store: o.store, Ledger: o.ledger, Now: o.now,
		Algorithms: map[pki.Kind]profile.Algorithm{pki.CardSign: profile.ECDSAP384SHA384}})
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	o.key, o.subject = key, &key.PublicKey
	return nil
}

func (o *benchOffice) keyDir() string { return filepath.Join(o.dir, "authorities") }

// signer opens the key of an authority, as package ca does.
func (o *benchOffice) signer(kind pki.Kind) (crypto.Signer, error) {
	return secret.Keys{Dir: o.keyDir(), Sealer: o.sealer}.Open(profile.Label(kind, 1))
}

// request asks for one more certificate, as the registration authority does: under
// a reference of its own.
func (o *benchOffice) request(kind pki.Kind) ca.Request {
	n := o.issued.Add(1)
	r := ca.Request{Ref: fmt.Sprintf("bench %d", n), Kind: kind, PublicKey: o.subject, Holder: fmt.Sprintf("bench-%d", n), NotAfter: o.now().AddDate(5, 0, 0)}
	if kind.Signature() {
		r.Subject = profile.Subject{
			Municipality: profile.Municipality{Code: "99001", Prefecture: "Mihon-ken", City: "Tegata-shi"},
			Attributes: pki.Attributes{Name: "手形　花子", NameSubstitution: "00000", Sex: "2", BirthDate: "319800217",
				Address: "見本県手形市一丁目2番3号", AddressSubstitution: "0000000000000"},
		}
	}
	return r
}

// issue issues one certificate durably: prepared, linted, recorded, signed, entered
// into the ledger, with audit records.
func (o *benchOffice) issue(ctx context.Context, kind pki.Kind) (der []byte, err error) {
	draft, err := o.ca.Prepare(ctx, o.who(), o.request(kind))
	if err != nil {
		return nil, err
	}
	cert, err := o.ca.Issue(ctx, o.who(), draft)
	if err != nil {
		return nil, err
	}
	return cert.Raw, nil
}

// benchIssuance issues certificates one at a time, as one registration waits for
// them, and from as many goroutines as keep the cores and the disk busy.
func benchIssuance(ctx context.Context, b *bench) ([]figure, error) {
	o, err := b.openOffice(ctx)
	if err != nil {
		return nil, err
	}
	records, err := openBenchLog(o.dir)
	if err != nil {
		return nil, err
	}
	defer records.close()
	many := 4 * runtime.GOMAXPROCS(0)
	var all []figure
	for _, m := range []struct {
		work    string
		kind    pki.Kind
		hash    crypto.Hash
		workers int
		target  float64
	}{
		{"certificate, RSA-2048 authority, one at a time", pki.PhoneSign, crypto.SHA256, 1, 0},
		{fmt.Sprintf("certificate, RSA-2048 authority, %d at once", many), pki.PhoneSign, crypto.SHA256, many, 0.75},
		{fmt.Sprintf("certificate, P-384 authority, %d at once", many), pki.CardSign, crypto.SHA384, many, 0.4},
	} {
		signer, err := o.signer(m.kind)
		if err != nil {
			return nil, err
		}
		var size atomic.Int64
		ours := func(int) error {
			der, err := o.issue(ctx, m.kind)
			size.Store(int64(len(der)))
			return err
		}
		tbs := make([]byte, 1600)
		limit := func(int) error {
			if err := records.append(tbs); err != nil {
				return err
			}
			digest := m.hash.New()
			digest.Write(tbs)
			signature, err := signer.Sign(rand.Reader, digest.Sum(nil), m.hash)
			if err != nil {
				return err
			}
			return records.append(append(tbs[:len(tbs):len(tbs)], signature...))
		}
		f, err := b.effort().versus(ctx, m.workers, ours, limit)
		if err != nil {
			return nil, err
		}
		check, err := b.selfCheck(ctx, o, m.kind)
		if err != nil {
			return nil, err
		}
		f.Work, f.Target = m.work, m.target
		f.LimitIs = "appending 1,600 bytes to a file with group commit, signing them with the same key by the same library, and appending them again with the signature, as many at once"
		f.Notes = []string{fmt.Sprintf("Ours lints, records twice with audit records in SQLite with synchronous=full and checks its own signature, which alone takes %.2f ms; a certificate has %d bytes", milliseconds(check), size.Load())}
		all = append(all, f)
	}
	return all, nil
}

// selfCheck is what it takes to verify one signature of an authority.
func (b *bench) selfCheck(ctx context.Context, o *benchOffice, kind pki.Kind) (time.Duration, error) {
	der, err := o.issue(ctx, kind)
	if err != nil {
		return 0, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return 0, err
	}
	authority := o.ca.Authority(kind)
	var p pace
	err = p.run(ctx, 1, b.effort().round/4, func(int) error { return cert.CheckSignatureFrom(authority) })
	return time.Duration(float64(time.Second) / p.perSecond), err
}
