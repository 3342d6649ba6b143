package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/durable"
	"tegata/verifier/oidc"
)

// withClients opens a production verifier's clients for an operator's command.
func withClients(ctx context.Context, c console, path string, do func(*oidc.Provider) error) error {
	p, err := openProduction(c, path, "verifier")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.open(ctx, "verifier"); err != nil {
		return err
	}
	if p.verifier.openid == nil {
		return usagef("%s: verifier.openid is missing: this verifier is no OpenID Provider", path)
	}
	err = do(p.verifier.openid)
	switch {
	case errors.Is(err, oidc.ErrClient):
		return usagef("%v", err)
	case errors.Is(err, oidc.ErrNotFound):
		return oidc.ErrNoApplication
	}
	return err
}

// clientView is a client as an operator reads it.
type clientView struct {
	ID          string       `json:"id"`
	State       string       `json:"state"`
	Contact     string       `json:"contact,omitempty"`
	Digest      string       `json:"digest,omitempty"` // of the application: what client approve wants to have been seen
	At          *time.Time   `json:"applied_at,omitempty"`
	Decided     *time.Time   `json:"decided_at,omitempty"`
	Why         string       `json:"why,omitempty"`
	Changed     []string     `json:"changed,omitempty"` // members of the registration that the application would change
	Registered  *oidc.Client `json:"registered,omitempty"`
	Application *oidc.Client `json:"application,omitempty"`
}

func viewOf(h oidc.Held) (clientView, error) {
	v := clientView{ID: h.ID, State: h.State(), Contact: h.Contact}
	if h.Registered != nil {
		registered := *h.Registered
		registered.SecretSHA256 = "" // nobody judges it
		v.Registered = &registered
	}
	if a := h.Application; a != nil {
		applied := a.Client
		applied.SecretSHA256 = ""
		v.Digest, v.At, v.Why, v.Application = a.Digest(), &a.At, a.Why, &applied
		if !a.Decided.IsZero() {
			v.Decided = &a.Decided
		}
		if h.Registered != nil && a.State == oidc.Applied {
			var err error
			if v.Changed, err = differing(*v.Registered, applied); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// differing names the members in which two registrations differ, in their order.
func differing(before, after oidc.Client) (names []string, err error) {
	members := func(c oidc.Client) (m map[string]json.RawMessage, err error) {
		text, err := json.Marshal(c)
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		return m, err
	}
	old, err := members(before)
	if err != nil {
		return nil, err
	}
	new, err := members(after)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"name", "mark", "logo", "profile", "authentication", "jwks", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri",
		"refresh", "sector", "purpose", "sign_purposes"} {
		if string(old[name]) != string(new[name]) {
			names = append(names, name)
		}
	}
	return names, nil
}

// clientList lists a production verifier's clients, those that wait for a decision first.
func clientList(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the verifier's configuration")
	asJSON := flags.Bool("json", false, "as client show prints each")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if *path == "" {
		return usagef("-config is needed; see -h")
	}
	return withClients(ctx, c, *path, func(p *oidc.Provider) error {
		all, err := p.Held(ctx)
		if err != nil {
			return err
		}
		views := []clientView{}
		for _, h := range all {
			v, err := viewOf(h)
			if err != nil {
				return err
			}
			views = append(views, v)
			if !*asJSON {
				name, since := ceremony.Text{}, ""
				if of := cmp.Or(v.Application, v.Registered); of != nil {
					name = of.Name
				}
				if v.At != nil {
					since = v.At.Format(time.DateOnly)
				}
				fmt.Fprintf(c.out, "%s\t%s\t%s\t%s\t%s\n", v.ID, v.State, since, name.JA, name.EN)
			}
		}
		if *asJSON {
			return printJSON(c, views)
		}
		return nil
	})
}

// clientShow shows all of a client that an operator judges.
func clientShow(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the verifier's configuration")
	id := flags.String("id", "", "the client's id")
	logo := flags.String("logo", "", "write the picture that is applied for (or registered) to this file, PNG")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if *path == "" || *id == "" {
		return usagef("-config and -id are needed; see -h")
	}
	return withClients(ctx, c, *path, func(p *oidc.Provider) error {
		h, err := p.HeldOne(ctx, *id)
		if err != nil {
			return err
		}
		v, err := viewOf(h)
		if err != nil {
			return err
		}
		if *logo != "" {
			picture, err := p.PictureOf(ctx, h)
			if err != nil {
				return err
			}
			if len(picture) == 0 {
				return usagef("%s has no logo", *id)
			}
			if err := (durable.Files{}).WriteFile(*logo, picture, 0o644); err != nil {
				return err
			}
		}
		return printJSON(c, v)
	})
}

// decision reads what a deciding command is told, and decides. more adds flags of its own.
func decision(done string, more func(*flag.FlagSet, *oidc.Approval), decide func(ctx context.Context, p *oidc.Provider, id string, said oidc.Approval) error) func(context.Context, console, *flag.FlagSet, []string) error {
	return func(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
		var said oidc.Approval
		path := flags.String("config", "", "the verifier's configuration")
		id := flags.String("id", "", "the client's id")
		flags.StringVar(&said.Why, "why", "", "the reason, one line: it stays in the audit chain, and the developer reads it. Name no person")
		if more != nil {
			more(flags, &said)
		}
		if _, err := parse(flags, args); err != nil {
			return err
		}
		if *path == "" || *id == "" || said.Why == "" || more != nil && said.Seen == "" {
			return usagef("-config, -id, -why and, to approve, -seen are needed; see -h")
		}
		err := withClients(ctx, c, *path, func(p *oidc.Provider) error { return decide(ctx, p, *id, said) })
		if err == nil {
			fmt.Fprintf(c.out, "%s\t%s\n", *id, done)
		}
		return err
	}
}

func approvalFlags(flags *flag.FlagSet, said *oidc.Approval) {
	flags.StringVar(&said.Seen, "seen", "", "the digest that client show printed: what you looked at is what is registered")
	flags.Func("category", "by which holders lock and limit: government, tax, clinic, kiosk or private (which it is without)", func(s string) error {
		said.Category = ceremony.Category(s)
		if said.Category != said.Category.Or() {
			return fmt.Errorf("one of %v", ceremony.Categories())
		}
		return nil
	})
	flags.Func("opens-account", "a purpose of signing by which an account, a line or the like is opened: of these a person signs 3 in 7 days, at all parties together. May be given several times; stays until the purpose goes", func(s string) error {
		said.Opens = append(said.Opens, s)
		return nil
	})
	flags.StringVar(&said.Sector, "sector", "", "at the first approval: clients of one sector know a person by the same sub; without it each has its own")
}

func clientApprove(ctx context.Context, p *oidc.Provider, id string, said oidc.Approval) error {
	return p.ApproveClient(ctx, operator(), id, said)
}

func clientRefuse(ctx context.Context, p *oidc.Provider, id string, said oidc.Approval) error {
	return p.RefuseClient(ctx, operator(), id, said.Why)
}

func clientEnd(ctx context.Context, p *oidc.Provider, id string, said oidc.Approval) error {
	return p.EndClient(ctx, operator(), id, said.Why)
}
