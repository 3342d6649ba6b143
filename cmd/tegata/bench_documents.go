package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"runtime"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/feed"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/verifier/document"
)

// benchDocuments gives verdicts on detached CAdES signatures, as a verifier with a
// change feed does: nobody is asked.
func benchDocuments(ctx context.Context, b *bench) ([]figure, error) {
	o, err := b.openOffice(ctx)
	if err != nil {
		return nil, err
	}
	leaf, err := o.issue(ctx, pki.PhoneSign)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(leaf)
	if err != nil {
		return nil, err
	}
	content := bytes.Repeat([]byte("One room, two years, 50,000 a month.\n"), 64<<10/37) // 64 KiB
	at := o.now()
	der, err := cms.Sign(o.key, cert, content, at, true)
	if err != nil {
		return nil, err
	}
	index, err := o.feedOf(ctx, cert, at)
	if err != nil {
		return nil, err
	}
	root := o.ca.Authority(pki.PhoneSign)
	label := func(*x509.Certificate) (string, bool) { return string(pki.PhoneSign), true }
	checker := document.Checker{Arc: pki.SandboxArc(), Anchors: []document.Anchor{{Kind: pki.PhoneSign, Certificate: root}},
		Status: certpath.Feed{Index: index, Label: label}}
	verdict := func(int) error {
		if r := checker.Check(ctx, der, content, at); r.Verdict != ceremony.Passed {
			return fmt.Errorf("bench: a good signature is %s: %w", r.Verdict, r.Problem)
		}
		return nil
	}
	digest := sha256.Sum256(content)
	signature, err := o.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	bare := func(int) error {
		digest := sha256.Sum256(content)
		for range 2 {
			if err := rsa.VerifyPKCS1v15(o.subject, crypto.SHA256, digest[:], signature); err != nil {
				return err
			}
		}
		return nil
	}
	var all []figure
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		f, err := b.effort().versus(ctx, workers, verdict, bare)
		if err != nil {
			return nil, err
		}
		f.Work = fmt.Sprintf("verdict on CAdES, status from the feed, %d at once", workers)
		f.LimitIs = "two RSA-2048 verifications and SHA-256 of the same 64 KiB"
		f.Target = 0.5
		all = append(all, f)
	}
	return all, nil
}

// feedOf is a follower's copy of a change feed that knows one certificate.
func (o *benchOffice) feedOf(ctx context.Context, cert *x509.Certificate, at time.Time) (*feed.Index, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	draft, err := o.ca.Prepare(ctx, o.who(), ca.Request{Ref: "bench feed", Kind: pki.Ops, PublicKey: key.Public(), Holder: "feed",
		Party: profile.Party{ID: "feed", Role: pki.RoleFeed}, NotAfter: at.AddDate(1, 0, 0)})
	if err != nil {
		return nil, err
	}
	signer, err := o.ca.Issue(ctx, o.who(), draft)
	if err != nil {
		return nil, err
	}
	compact, err := feed.Sign(key, []*x509.Certificate{signer}, feed.Batch{Issuer: defaultListen, To: 1, AtMS: at.UnixMilli(), Snapshot: true,
		Entries: []feed.Entry{{Seq: 1, Authority: string(pki.PhoneSign), Serial: pki.SerialOf(cert).String(), Status: feed.Good, AtMS: at.UnixMilli(), GoodMS: at.UnixMilli()}}})
	if err != nil {
		return nil, err
	}
	m, err := feed.Parse(compact)
	if err != nil {
		return nil, err
	}
	index := feed.NewIndex(defaultListen, 0)
	return index, index.Apply(m, at)
}
