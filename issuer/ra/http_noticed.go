package ra

import (
	"net/http"
	"strconv"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

func (h *Handler) watchNotices(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	granted(h, func(r *http.Request, party string, in NoticeWatch, g ceremony.Grant) (NoticeWatch, error) {
		return h.RA.WatchNotices(r.Context(), party, in, g)
	})(w, r, c)
}

func (h *Handler) noticed(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	ms, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		httpd.WriteProblem(w, r, ErrBadRequest.With("field", "since"))
		return
	}
	v, err := h.RA.Noticed(r.Context(), c.Party, time.UnixMilli(ms).UTC())
	answer(w, r, v, err)
}
