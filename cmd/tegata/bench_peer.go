package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tegata/internal/pki"
)

// What a peer's responder is given, in a directory.
const (
	peerIndex     = "index.txt"
	peerAuthority = "authority.pem"
	peerResponder = "responder.pem"
	peerKey       = "responder.key"
	peerAsked     = "asked.json"
	peerAddress   = "127.0.0.1:8888" // in a network of its own
)

// peerRates are answers a second of somebody else's responder.
type peerRates struct {
	Plain float64 `json:"plain"`
	Nonce float64 `json:"nonce"`
}

// peerWork is what the process that measures the peer is told.
type peerWork struct {
	Plain, Nonced [][]byte
	Workers       int
	Rounds        int
	Round         time.Duration
}

// besidePeer measures `openssl ocsp` with the same certificates, responder key and
// requests, when it is installed. openssl listens on every interface, so it runs
// with its callers in a network of its own that has nothing but a loopback: this
// program once more, with -peer.
func (b *bench) besidePeer(ctx context.Context, o *benchOffice, asked askedOCSP, all []figure) error {
	dir, err := b.folder("peer")
	if err != nil {
		return err
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		all[0].Notes = append(all[0].Notes, "No peer: openssl is not installed")
		return nil
	}
	if err := b.writePeer(ctx, dir, o, asked); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = []string{"tegata", "bench", "-peer", dir}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if ownNetwork(cmd) != nil || cmd.Start() != nil {
		all[0].Notes = append(all[0].Notes, "No peer: this system gives it no network of its own")
		return nil
	}
	var rates peerRates
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("openssl ocsp: %w: %s", err, strings.TrimSpace(said.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &rates); err != nil {
		return fmt.Errorf("openssl ocsp: %w", err)
	}
	version, err := exec.CommandContext(ctx, openssl, "version").Output()
	if err != nil {
		return err
	}
	words := strings.Fields(string(version) + " openssl unknown")
	name := fmt.Sprintf("`openssl ocsp` of %s %s with -multi %d and the same P-256 key; it signs each answer and closes each connection", words[0], words[1], runtime.GOMAXPROCS(0))
	for i, rate := range []float64{rates.Plain, rates.Plain, rates.Nonce} {
		all[i].Peer = &peerFigure{Name: name, Value: rate, Ratio: all[i].Ours / rate}
	}
	return nil
}

// writePeer writes what openssl's responder reads (`openssl ca`'s index: one line a
// certificate), and the requests.
func (b *bench) writePeer(ctx context.Context, dir string, o *benchOffice, asked askedOCSP) error {
	var index strings.Builder
	for _, c := range asked.certificates {
		fmt.Fprintf(&index, "V\t%s\t\t%s\tunknown\t/CN=bench\n", c.NotAfter.UTC().Format("060102150405Z"), strings.ToUpper(pki.SerialOf(c).String()))
	}
	cert, signer, err := o.ca.Responder(ctx, pki.PhoneAuth, 1)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(signer) // of this bench alone; it is removed with it
	if err != nil {
		return err
	}
	e := b.effort()
	work, err := json.Marshal(peerWork{Plain: asked.plain, Nonced: asked.nonced, Workers: 4 * runtime.GOMAXPROCS(0), Rounds: e.rounds, Round: e.round})
	if err != nil {
		return err
	}
	var errs []error
	for name, content := range map[string][]byte{
		peerIndex: []byte(index.String()), peerIndex + ".attr": []byte("unique_subject = no\n"),
		peerAuthority: pki.EncodePEM(o.ca.Authority(pki.PhoneAuth).Raw), peerResponder: pki.EncodePEM(cert.Raw),
		peerKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), peerAsked: work,
	} {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return errors.Join(errs...)
}

// measurePeer is the process in its own network: it starts openssl's responder from
// dir, asks it, and prints peerRates. Everything it started ends with it.
func measurePeer(ctx context.Context, c console, dir string) error {
	if err := loopbackUp(); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, peerAsked))
	if err != nil {
		return err
	}
	var work peerWork
	if err := json.Unmarshal(text, &work); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(peerAddress)
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	server := exec.CommandContext(ctx, "openssl", "ocsp", "-port", port, "-index", in(peerIndex), "-CA", in(peerAuthority),
		"-rsigner", in(peerResponder), "-rkey", in(peerKey), "-nmin", "10", "-multi", fmt.Sprint(runtime.GOMAXPROCS(0)))
	if err := server.Start(); err != nil {
		return err
	}
	calls := newCallers(peerAddress, work.Workers, false)
	defer calls.close()
	var rates peerRates
	for _, m := range []struct {
		requests [][]byte
		rate     *float64
	}{{posts(peerAddress, work.Plain), &rates.Plain}, {posts(peerAddress, work.Nonced), &rates.Nonce}} {
		if err := calls.until(ctx, m.requests[0]); err != nil {
			return err
		}
		next := make([]int, work.Workers)
		var all []float64
		for range work.Rounds {
			var p pace
			err := p.run(ctx, work.Workers, work.Round, func(w int) error {
				next[w]++
				_, err := calls.ask(w, m.requests[(next[w]+w)%len(m.requests)])
				return err
			})
			if err != nil {
				return err
			}
			all = append(all, p.perSecond)
		}
		*m.rate = median(all)
	}
	return json.NewEncoder(c.out).Encode(rates)
}

// until asks until there is an answer: a server that was just started takes a moment.
func (l *benchCallers) until(ctx context.Context, request []byte) error {
	for deadline := time.Now().Add(5 * time.Second); ; {
		_, err := l.ask(0, request)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		l.close()
		l.open[0] = nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
