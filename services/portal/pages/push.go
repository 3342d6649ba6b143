package pages

import (
	"context"
	"embed"
	"net/http"

	"tegata/internal/ui"
)

//go:embed static
var staticFiles embed.FS

// pusher is what the page of notices in a browser needs of package portal.
type pusher interface {
	PushKey() string
	PushCount(ctx context.Context, token string) (int, error)
	SubscribePush(ctx context.Context, token, endpoint, p256dh, auth string) error
	UnsubscribePush(ctx context.Context, token string) error
}

// pushPage is where a browser is told of notices, in addition to the second channel.
type pushPage struct {
	Key     string // "" when this portal does not push
	Count   int    // of the person's browsers that are told
	Trouble *ui.Trouble
}

func (h *Handler) pushRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /push", h.push)
	mux.HandleFunc("POST /push", h.doPush)
	mux.HandleFunc("POST /push/end", h.endPush)
	mux.HandleFunc("GET /push-sw.js", func(w http.ResponseWriter, r *http.Request) {
		// At the root, because a worker serves what lies below it.
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, staticFiles, "static/push-sw.js")
	})
}

func (h *Handler) push(w http.ResponseWriter, r *http.Request) {
	n, err := h.opt.Portal.PushCount(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	said := h.site.Said(r)
	h.show(w, r, ui.Screen{Page: "push", Bad: said.Trouble != nil, Data: pushPage{h.opt.Portal.PushKey(), n, said.Trouble}})
}

func (h *Handler) doPush(w http.ResponseWriter, r *http.Request) {
	err := h.opt.Portal.SubscribePush(r.Context(), h.cookie(r, sessionCookie), r.PostFormValue("endpoint"), r.PostFormValue("p256dh"), r.PostFormValue("auth"))
	if err != nil {
		h.again(w, r, err, nil)
		return
	}
	http.Redirect(w, r, "/push", http.StatusSeeOther)
}

func (h *Handler) endPush(w http.ResponseWriter, r *http.Request) {
	if err := h.opt.Portal.UnsubscribePush(r.Context(), h.cookie(r, sessionCookie)); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/push", http.StatusSeeOther)
}
