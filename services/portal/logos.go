package portal

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// The pictures of parties come from the verifier, which has decoded and encoded them anew,
// and are shown within our own page: no browser asks anybody else for them.
const (
	logosWithin = 2 * time.Second // by which pictures may keep a page back, all together
	keptLogos   = 64              // pictures, of at most ceremony.MaxLogo bytes each
)

// logos are the pictures that were fetched, by what a registration names them.
type logos struct {
	mu   sync.Mutex // guards kept
	kept map[string][]byte
}

func (l *logos) find(id string) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[id]
}

func (l *logos) keep(id string, picture []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil || len(l.kept) >= keptLogos {
		l.kept = map[string][]byte{}
	}
	l.kept[id] = picture
}

// Logos returns the registered pictures of those links that have one, by their id: PNG. One
// that does not come in time, or is not the registered one, is left out.
func (p *Portal) Logos(ctx context.Context, links []ceremony.Link) map[string][]byte {
	ctx, cancel := context.WithTimeout(ctx, logosWithin)
	defer cancel()
	out := map[string][]byte{}
	for _, l := range links {
		if l.Logo == "" || l.Ended != 0 {
			continue
		}
		picture := p.logos.find(l.Logo)
		if picture == nil {
			var err error
			picture, _, err = httpd.Exchange(ctx, p.client, http.MethodGet, p.config.Verifier+ceremony.LogoPath(l.ID), nil)
			if err == nil {
				err = ceremony.CheckLogo(picture, l.Logo)
			}
			if err != nil {
				p.log.InfoContext(ctx, "a party's picture is not shown", "party", l.ID, "error", err)
				continue
			}
			p.logos.keep(l.Logo, picture)
		}
		out[l.ID] = picture
	}
	return out
}
