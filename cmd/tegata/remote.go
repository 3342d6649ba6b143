package main

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegata/internal/httpd"
)

// operatorToken is where init leaves the sandbox operator's token.
const operatorToken = "operator.token"

// remote is a running neighbourhood as a command sees it: the start page's URL,
// which tells all others, and the operator's token of its data directory.
type remote struct {
	c      console
	street *string
	data   *string
	client *http.Client

	services map[string]string // role → URL
	readers  map[string]string // slot → address
	token    httpd.OperatorToken
}

// remoteFlags adds the flags that find a running neighbourhood.
func remoteFlags(c console, flags *flag.FlagSet) *remote {
	return &remote{
		c:      c,
		street: flags.String("street", streetURL(c), "URL of the running neighbourhood's start page ($TEGATA_STREET)"),
		data:   dataFlag(c, flags),
		client: httpd.Client(60 * time.Second),
	}
}

// streetURL is where the start page is unless -street says otherwise.
func streetURL(c console) string {
	if url := c.getenv("TEGATA_STREET"); url != "" {
		return url
	}
	return "http://" + defaultListen
}

// dataFlag is -data: $TEGATA_DATA, else ./tegata-data.
func dataFlag(c console, flags *flag.FlagSet) *string {
	dir := c.getenv("TEGATA_DATA")
	if dir == "" {
		dir = "tegata-data"
	}
	return flags.String("data", dir, "the sandbox's directory ($TEGATA_DATA)")
}

// locate asks the start page where everybody is.
func (r *remote) locate(ctx context.Context) error {
	var list struct {
		Services []struct {
			Role string `json:"role"`
			URL  string `json:"url"`
		} `json:"services"`
		Readers []struct {
			Slot    string `json:"slot"`
			Address string `json:"address"`
		} `json:"readers"`
	}
	if err := httpd.GetJSON(ctx, r.client, strings.TrimRight(*r.street, "/")+"/services.json", &list); err != nil {
		return err
	}
	r.services, r.readers = map[string]string{}, map[string]string{}
	for _, s := range list.Readers {
		r.readers[s.Slot] = s.Address
	}
	for _, s := range list.Services {
		r.services[s.Role] = strings.TrimRight(s.URL, "/")
	}
	return nil
}

// find is locate for commands that need the operator's token too.
func (r *remote) find(ctx context.Context) error {
	if err := r.locate(ctx); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(*r.data, operatorToken))
	if err != nil {
		return usagef("the operator's token of the running sandbox is needed: name its directory with -data (%v)", err)
	}
	r.token, err = httpd.ParseOperatorToken(string(text))
	return err
}

// url is a role's URL with a path. A role that does not run is wrong usage.
func (r *remote) url(role, path string) (string, error) {
	base, ok := r.services[role]
	if !ok {
		return "", usagef("the neighbourhood at %s runs no role %q", *r.street, role)
	}
	return base + path, nil
}

// get, post and remove call a role's door with the operator's token.
func (r *remote) get(ctx context.Context, role, path string, out any) error {
	u, err := r.url(role, path)
	if err != nil {
		return err
	}
	return httpd.GetJSON(ctx, r.client, u, out, r.token.Bearer())
}

func (r *remote) post(ctx context.Context, role, path string, in, out any) error {
	u, err := r.url(role, path)
	if err != nil {
		return err
	}
	return httpd.PostJSON(ctx, r.client, u, in, out, r.token.Bearer())
}

func (r *remote) remove(ctx context.Context, role, path string) error {
	u, err := r.url(role, path)
	if err != nil {
		return err
	}
	_, _, err = httpd.Exchange(ctx, r.client, http.MethodDelete, u, nil, r.token.Bearer())
	return err
}
