package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"golang.org/x/crypto/ocsp"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/status"
)

// benchOCSP asks for the status of certificates over HTTP on the loopback, behind
// the same guard as the issuer's door.
func benchOCSP(ctx context.Context, b *bench) (all []figure, err error) {
	o, err := b.openOffice(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := o.ocspRequests(ctx, b)
	if err != nil {
		return nil, err
	}
	addr, stop, err := serveLocal(ctx, "bench issuer", func(addr string) http.Handler {
		routes := status.NewHandler(o.ledger, o.store, o.ca, nil).Routes(http.NotFoundHandler())
		return httpd.Guard(httpd.GuardOptions{Names: []string{addr}, MaxBody: 256 << 10, Log: o.log}, routes)
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()

	workers := 4 * runtime.GOMAXPROCS(0)
	for _, m := range []struct {
		work     string
		requests [][]byte
		nonce    bool
		target   float64
	}{
		{"OCSP answer, kept, GET", asked.gets(addr), false, 0.85},
		{"OCSP answer, kept, POST", posts(addr, asked.plain), false, 0.85},
		{"OCSP answer, with nonce, POST", posts(addr, asked.nonced), true, 0.75},
	} {
		f, err := b.measureOCSP(ctx, o, addr, workers, m.requests, m.nonce)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.work, err)
		}
		f.Work, f.Target = m.work, m.target
		all = append(all, f)
	}
	return all, b.besidePeer(ctx, o, asked, all)
}

func (b *bench) measureOCSP(ctx context.Context, o *benchOffice, addr string, workers int, requests [][]byte, nonce bool) (f figure, err error) {
	ours := newCallers(addr, workers, true)
	defer ours.close()
	answer, err := ours.ask(0, requests[0])
	if err != nil {
		return f, err
	}
	answer = bytes.Clone(answer)
	parsed, err := ocsp.ParseResponse(answer, o.ca.Authority(pki.PhoneAuth))
	if err != nil || parsed.Status != ocsp.Good {
		return f, fmt.Errorf("the answer is not that the certificate is good: %w", err)
	}
	header, err := headerOf(ctx, addr, requests[0])
	if err != nil {
		return f, err
	}
	bareAddr, stop, err := serveLocal(ctx, "bench limit", func(string) http.Handler { return bareHandler(header, answer, nonce) })
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	bare := newCallers(bareAddr, workers, true)
	defer bare.close()

	next := make([]int, workers) // each worker goes through all requests, from its own place
	ask := func(to *benchCallers) func(int) error {
		return func(w int) error {
			next[w]++
			_, err := to.ask(w, requests[(next[w]+w*len(requests)/workers)%len(requests)])
			return err
		}
	}
	f, err = b.effort().versus(ctx, workers, ask(ours), ask(bare))
	f.LimitIs = fmt.Sprintf("a bare net/http handler that returns the same %d header fields and %d bytes", len(header)+2, len(answer))
	if nonce {
		f.LimitIs += " after one P-256 signature"
	}
	f.Notes = []string{fmt.Sprintf("%d kept connections; those who ask share the cores", workers)}
	return f, err
}

// headerOf is the header of the answer to a request, without what net/http adds to
// every answer.
func headerOf(ctx context.Context, addr string, request []byte) (http.Header, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r = r.WithContext(ctx)
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", addr
	answer, err := httpd.Client(5 * time.Second).Do(r)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer answer.Body.Close()
	answer.Header.Del("Date")
	answer.Header.Del("Content-Length")
	return answer.Header, nil
}

// bareHandler is the limit: it knows nothing, and says the same.
func bareHandler(header http.Header, answer []byte, signs bool) http.Handler {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if signs {
			digest := sha256.Sum256(answer)
			if err == nil {
				_, err = ecdsa.SignASN1(rand.Reader, key, digest[:])
			}
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		maps.Copy(w.Header(), header)
		w.Write(answer)
	})
}

// askedOCSP are requests about certificates that were just issued.
type askedOCSP struct {
	certificates  []*x509.Certificate
	plain, nonced [][]byte // DER
}

func (o *benchOffice) ocspRequests(ctx context.Context, b *bench) (asked askedOCSP, err error) {
	n := 256
	if b.quick {
		n = 4
	}
	authority := o.ca.Authority(pki.PhoneAuth)
	for range n {
		der, err := o.issue(ctx, pki.PhoneAuth)
		if err != nil {
			return asked, err
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return asked, err
		}
		plain, err := ocsp.CreateRequest(cert, authority, &ocsp.RequestOptions{Hash: crypto.SHA1}) // as nearly everybody asks
		if err != nil {
			return asked, err
		}
		nonced, err := withNonce(plain)
		if err != nil {
			return asked, err
		}
		asked.certificates = append(asked.certificates, cert)
		asked.plain, asked.nonced = append(asked.plain, plain), append(asked.nonced, nonced)
	}
	return asked, nil
}

// withNonce adds a random nonce (RFC 9654) to a request that has no extensions.
func withNonce(request []byte) ([]byte, error) {
	type extension struct {
		ID    asn1.ObjectIdentifier
		Value []byte
	}
	type tbsRequest struct {
		List       asn1.RawValue
		Extensions []extension `asn1:"explicit,tag:2,optional"`
	}
	var r struct{ TBS tbsRequest }
	if rest, err := asn1.Unmarshal(request, &r); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("bench: request: %w", err)
	}
	nonce := make([]byte, 32)
	rand.Read(nonce) // never fails
	value, err := asn1.Marshal(nonce)
	if err != nil {
		return nil, err
	}
	r.TBS.Extensions = []extension{{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, value}}
	return asn1.Marshal(r)
}

// gets are the plain requests in the path (RFC 6960, appendix A.1).
func (a askedOCSP) gets(addr string) [][]byte {
	var all [][]byte
	for _, der := range a.plain {
		path := "/ocsp/" + url.PathEscape(base64.StdEncoding.EncodeToString(der))
		all = append(all, httpRequest(http.MethodGet, addr, path, "", nil))
	}
	return all
}

func posts(addr string, requests [][]byte) [][]byte {
	var all [][]byte
	for _, der := range requests {
		all = append(all, httpRequest(http.MethodPost, addr, "/ocsp", "application/ocsp-request", der))
	}
	return all
}
