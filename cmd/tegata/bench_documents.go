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
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/xades"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/verifier/document"
)

// benchDocuments gives verdicts on signatures beside a text, in a PDF and in XML, as a verifier with a
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
	index, err := o.feedOf(ctx, cert, at)
	if err != nil {
		return nil, err
	}
	root := o.ca.Authority(pki.PhoneSign)
	label := func(*x509.Certificate) (string, bool) { return string(pki.PhoneSign), true }
	checker := document.Checker{Arc: pki.SandboxArc(), Anchors: []document.Anchor{{Kind: pki.PhoneSign, Certificate: root}},
		Status: certpath.Feed{Index: index, Label: label}}
	signed, err := o.signedIn3Ways(cert, content, at)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(content)
	signature, err := o.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, one := range signed {
		verdict := func(int) error {
			if r := checker.Check(ctx, one.data, one.content, at); r.Verdict != ceremony.Passed {
				return fmt.Errorf("bench: a good signature in %s is %s: %w", one.format, r.Verdict, r.Problem)
			}
			return nil
		}
		hashed := content
		if one.content == nil { // it is inside
			hashed = one.data
		}
		bare := func(int) error {
			sha256.Sum256(hashed)
			for range 2 {
				if err := rsa.VerifyPKCS1v15(o.subject, crypto.SHA256, digest[:], signature); err != nil {
					return err
				}
			}
			return nil
		}
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			f, err := b.effort().versus(ctx, workers, verdict, bare)
			if err != nil {
				return nil, err
			}
			f.Work = fmt.Sprintf("verdict on %s, status from the feed, %d at once", one.format, workers)
			f.LimitIs = fmt.Sprintf("two RSA-2048 verifications and SHA-256 of the same %d KiB", len(hashed)>>10)
			if one.format == "CAdES" {
				f.Target = 0.5
			}
			all = append(all, f)
		}
	}
	return all, nil
}

// signedPaper is a document of 64 KiB with its signature.
type signedPaper struct {
	format        string
	data, content []byte // content nil: inside
}

// signedIn3Ways signs the same text beside itself, in a PDF and in XML.
func (o *benchOffice) signedIn3Ways(cert *x509.Certificate, content []byte, at time.Time) ([]signedPaper, error) {
	beside, err := cms.Sign(o.key, cert, content, at, true)
	if err != nil {
		return nil, err
	}
	draft, err := pades.Prepare(benchPDF(content), pades.Options{At: at})
	if err != nil {
		return nil, err
	}
	der, err := cms.SignPAdES(o.key, cert, draft.Content())
	if err != nil {
		return nil, err
	}
	inPDF, err := draft.Embed(der)
	if err != nil {
		return nil, err
	}
	text := append(append([]byte("<contract>"), content...), "</contract>"...)
	inXML, err := xades.Sign(o.key, text, xades.Options{Form: xades.Enveloped, Certificate: cert, SigningTime: at})
	if err != nil {
		return nil, err
	}
	return []signedPaper{{"CAdES", beside, content}, {"PAdES", inPDF, nil}, {"XAdES", inXML, nil}}, nil
}

// benchPDF is a page with the text as its content, in as many operators as it has lines.
func benchPDF(text []byte) []byte {
	var drawn, out bytes.Buffer
	drawn.WriteString("BT /F1 9 Tf 40 800 Td 10 TL\n")
	for line := range bytes.Lines(text) {
		fmt.Fprintf(&drawn, "(%s) Tj T*\n", bytes.TrimSpace(line))
	}
	drawn.WriteString("ET\n")
	out.WriteString("%PDF-1.7\n")
	var at []int
	for i, object := range []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", drawn.Len(), drawn.Bytes())} {
		at = append(at, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, table)
	return out.Bytes()
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
