package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tegata/internal/httpd"
)

// serve runs chosen roles for production. It makes nothing: what init did not make
// is an error.
func serve(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the configuration, a JSON file")
	verbose := flags.Bool("v", false, "log every request on stderr")
	roles, err := parseRoles(flags, args)
	if err != nil {
		return err
	}
	if *path == "" {
		return usagef("-config FILE is missing: production is configured, never guessed (docs/operations.md)")
	}
	conf, err := openConfig(*path)
	if err != nil {
		return err
	}
	if err := conf.chosen(roles); err != nil {
		return err
	}
	if err := hideMemory(); err != nil {
		return err
	}
	p, err := newProduction(standardBuild(c, *verbose), conf)
	if err != nil {
		return err
	}
	defer p.Close()
	listeners, err := p.listeners(ctx, roles)
	if err != nil {
		return err
	}
	for n, role := range roles {
		c.say("%s answers at %s (listening on %s)", role, conf.url(role), listeners[n].L.Addr())
	}
	return p.run(ctx, listeners, func() { fmt.Fprintln(c.out, "ready") })
}

// parseRoles is parse for commands whose words are roles.
func parseRoles(flags *flag.FlagSet, args []string) (roles []string, err error) {
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%v", err)
		}
		if args = flags.Args(); len(args) > 0 {
			roles, args = append(roles, args[0]), args[1:]
		}
	}
	return roles, nil
}

// listeners opens the roles and their doors: all of them, or none.
func (p *production) listeners(ctx context.Context, roles []string) (list []httpd.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range list {
				l.L.Close()
			}
		}
	}()
	for _, role := range roles {
		l, err := p.listen(ctx, role)
		if err != nil {
			return list, err
		}
		list = append(list, httpd.Listener{Name: role, L: l, Log: p.log.With("role", role)})
	}
	for n, role := range roles {
		if err := p.open(ctx, role); err != nil {
			return list, err
		}
		list[n].Handler = secureOnly(p.handler(role))
	}
	if p.issuer == nil {
		return list, nil
	}
	at := p.config.Issuer.Publication.Listen
	if at == "" {
		return list, usagef("%s: issuer.publication.listen is needed to serve the issuer", p.config.path)
	}
	l, err := httpd.Listen(ctx, "the issuer's publication", at)
	if err != nil {
		return list, usagef("%v", err)
	}
	return append(list, httpd.Listener{Name: "publication", L: l, Handler: p.publication(), Log: p.log.With("role", "issuer")}), nil
}

// listen opens a role's port. TLS ends here, not in a proxy before it: the address
// of a caller, which limits count, is then the caller's own.
func (p *production) listen(ctx context.Context, role string) (net.Listener, error) {
	r := p.config.role(role)
	if r.Listen == "" || r.TLSCertificate == "" || r.TLSKey == "" {
		return nil, usagef("%s: %s: listen, tls_certificate and tls_key are needed to serve it", p.config.path, role)
	}
	pair := &keyPair{certificate: p.config.file(r.TLSCertificate), key: p.config.file(r.TLSKey)}
	if err := pair.check(hostname(r.URL)); err != nil {
		return nil, usagef("%s: %s: %v", p.config.path, role, err)
	}
	l, err := httpd.Listen(ctx, role, r.Listen)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: pair.get}), nil
}

// keyPair is a listener's certificate, read again when its file has changed: what
// renews it need not stop the role.
type keyPair struct {
	certificate, key string

	mu      sync.Mutex // guards all below
	changed time.Time
	pair    *tls.Certificate
}

// check finds what browsers and other roles would not accept, before they do, and a
// key that others on this machine can read.
func (k *keyPair) check(host string) error {
	pair, err := k.get(nil)
	if err != nil {
		return err
	}
	info, err := os.Stat(k.key)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("tls_key %s has mode %04o; it must be readable by its owner alone (0600)", k.key, info.Mode().Perm())
	}
	return pair.Leaf.VerifyHostname(host)
}

func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.certificate)
	if err == nil && k.pair != nil && info.ModTime().Equal(k.changed) {
		return k.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil && k.pair == nil {
		return nil, err
	}
	if err == nil { // else a half-written renewal: go on with the old one
		k.pair, k.changed = &pair, info.ModTime()
	}
	return k.pair, nil
}

// secureOnly tells browsers never to come without TLS again (RFC 6797, section 6.1).
func secureOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		h.ServeHTTP(w, r)
	})
}

// run serves until ctx ends, with the work that falls due. ready is called when the
// doors are open.
func (p *production) run(ctx context.Context, listeners []httpd.Listener, ready func()) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return httpd.Serve(ctx, listeners...) })
	if p.verifier != nil {
		group.Go(func() error { return p.verifier.run(ctx) })
	}
	if p.portal != nil {
		group.Go(func() error { return p.portal.core.Follow(ctx) })
		group.Go(func() error { return p.portal.core.RunPush(ctx, pushEvery) })
		group.Go(func() error { return p.portal.core.RunReports(ctx, reportEvery) })
	}
	group.Go(func() error { return keepTime(ctx, p.log, p.clock, p.work) })
	if p.issuer != nil && p.issuer.mail != nil {
		group.Go(func() error { return p.issuer.mail.Run(ctx, mailEvery) })
	}
	ready()
	return group.Wait()
}
