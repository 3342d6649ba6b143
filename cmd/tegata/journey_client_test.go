package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/verifier/oidc"
)

// client is a relying party made of the usual libraries, unmodified.
type client struct {
	provider *oidcclient.Provider
	config   oauth2.Config
	pkce     string
	token    *oauth2.Token
	arrived  chan url.Values // with browsers
	told     chan string     // of logouts
}

// useClient is a relying party of the script's own, with coreos/go-oidc and x/oauth2.
//
//	client ID register NAME [CLAIM…]   by the operator's door; serves its callback and its logout address
//	client ID begin VARIABLE           sets it to the address to which a browser is sent
//	client ID tokens                   redeems the code that the browser brought
//	client ID userinfo                 prints what it is told
//	client ID refresh
//	client ID told                     waits for a logout token and checks it
//
// With ! before it, tokens, userinfo and refresh must be refused; the error is printed.
func useClient(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: client ID register|begin|tokens|userinfo|refresh|told …")
	}
	j, ctx := stateOf(ts), context.Background()
	c := j.clients[args[0]]
	if args[1] == "register" && len(args) > 2 {
		c = &client{arrived: make(chan url.Values, 8), told: make(chan string, 8)}
		ts.Check(c.register(ctx, ts, args[0], args[2], args[3:]))
		j.clients[args[0]] = c
		return
	}
	if c == nil {
		ts.Fatalf("%s is not registered", args[0])
	}
	var said any
	var err error
	switch args[1] {
	case "begin":
		c.pkce = oauth2.GenerateVerifier()
		ts.Setenv(args[2], c.config.AuthCodeURL("state", oauth2.S256ChallengeOption(c.pkce)))
	case "tokens":
		select {
		case q := <-c.arrived:
			c.token, err = c.config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(c.pkce))
		default:
			ts.Fatalf("no browser came to %s", args[0])
		}
	case "userinfo":
		var info *oidcclient.UserInfo
		if info, err = c.provider.UserInfo(ctx, oauth2.StaticTokenSource(c.token)); err == nil {
			err = info.Claims(&said)
		}
	case "refresh":
		old := *c.token
		old.Expiry = time.Now().Add(-time.Minute)
		var fresh *oauth2.Token
		if fresh, err = c.config.TokenSource(ctx, &old).Token(); err == nil {
			c.token = fresh
		}
	case "told":
		select {
		case token := <-c.told:
			_, err = c.provider.Verifier(&oidcclient.Config{ClientID: args[0], SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, token)
		case <-time.After(10 * time.Second):
			ts.Fatalf("%s was told of no logout", args[0])
		}
	default:
		ts.Fatalf("a client does not %s", args[1])
	}
	if neg != (err != nil) {
		ts.Fatalf("client %s: %v", strings.Join(args, " "), err)
	}
	if err != nil {
		fmt.Fprintln(ts.Stdout(), err)
	} else if said != nil {
		ts.Check(json.NewEncoder(ts.Stdout()).Encode(said))
	}
}

// register registers the client by the operator's door of the running neighbourhood.
func (c *client) register(ctx context.Context, ts *testscript.TestScript, id, name string, claims []string) error {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/logout" {
			c.told <- r.PostFormValue("logout_token")
			return
		}
		c.arrived <- r.URL.Query()
	}))
	ts.Defer(server.Close)
	token, err := os.ReadFile(filepath.Join(ts.Getenv("TEGATA_DATA"), operatorToken))
	if err != nil {
		return err
	}
	set, err := openSettings(ts.Getenv("TEGATA_DATA"))
	if err != nil {
		return err
	}
	var added addedClient
	err = httpd.PostJSON(ctx, httpd.Client(10*time.Second), set.machine("verifier")+"/v1/clients", oidc.Client{
		ID: id, Name: ceremony.Text{JA: name, EN: name}, Mark: "店", Profile: oidc.Basic, Authentication: oidc.SecretBasic, Refresh: true,
		RedirectURIs: []string{server.URL + "/callback"}, BackchannelLogoutURI: server.URL + "/logout",
		Purpose: ceremony.RegisteredPurpose{Code: "login", RiskFloor: ceremony.R2, Claims: claims, Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}},
	}, &added, httpd.Bearer(strings.TrimSpace(string(token))))
	if err != nil {
		return err
	}
	if c.provider, err = oidcclient.NewProvider(ctx, added.Issuer); err != nil {
		return err
	}
	c.config = oauth2.Config{ClientID: id, ClientSecret: added.Secret, Endpoint: c.provider.Endpoint(), RedirectURL: server.URL + "/callback",
		Scopes: append([]string{"openid"}, claims...)}
	return nil
}
