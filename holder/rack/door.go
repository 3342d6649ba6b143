package rack

import (
	"errors"
	"net/http"

	"tegata/holder/card"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/secret"
)

// What a caller of the door may branch on.
var (
	ErrNoCard = problem.New(problem.Refused, http.StatusNotFound, "no-such-card",
		problem.Text{Title: "そのカードはありません。", Detail: "カードの一覧から選び直してください。"},
		problem.Text{Title: "There is no such card.", Detail: "Choose one from the list of cards."})
	ErrName = problem.New(problem.YourTurn, http.StatusBadRequest, "card-name",
		problem.Text{Title: "カードの名前に使えない文字があります。", Detail: "英小文字・数字・ハイフンで64文字までにしてください。"},
		problem.Text{Title: "This cannot be the name of a card.", Detail: "Use 1 to 64 of a-z, 0-9 and hyphens."})
	ErrTaken = problem.New(problem.Refused, http.StatusConflict, "card-personalised",
		problem.Text{Title: "このカードは、もう別の人のものです。", Detail: "何も書き換えていません。新しいカードを作ってください。"},
		problem.Text{Title: "This card belongs to somebody already.", Detail: "Nothing was overwritten. Make another card."})
	ErrNoReader = problem.New(problem.CouldNotCheck, http.StatusBadGateway, "reader-unreachable",
		problem.Text{Title: "読み取り口につながりません。", Detail: "スマホや端末の電源と読み取り画面を確かめて、もう一度かざしてください。"},
		problem.Text{Title: "The reader does not answer.", Detail: "See that the phone or terminal is on and waiting, then hold the card to it again."})
	ErrBlank = problem.New(problem.Refused, http.StatusConflict, "card-blank",
		problem.Text{Title: "このカードは、まだだれのものでもありません。", Detail: "先にカードを作り、電子証明書を書き込んでください。"},
		problem.Text{Title: "This card is nobody's yet.", Detail: "Have it made and its certificates written first."})
	ErrSignatureKey = problem.New(problem.Refused, http.StatusConflict, "card-signature-key",
		problem.Text{Title: "この証明書は、カードが用意した鍵のものではありません。", Detail: "カードには何も書き込んでいません。新しい番号で申し込み直してください。"},
		problem.Text{Title: "This certificate is not of the key that the card made.", Detail: "Nothing was written into the card. Order again under a new id."})
	ErrReaderAddress = problem.New(problem.YourTurn, http.StatusBadRequest, "reader-address",
		problem.Text{Title: "読み取り口の場所が正しくありません。", Detail: "このパソコンの中の 127.0.0.1:ポート番号 を指定してください。"},
		problem.Text{Title: "This is not the address of a reader.", Detail: "Give 127.0.0.1:PORT of a reader on this machine."})
	ErrNotHeld = problem.New(problem.YourTurn, http.StatusConflict, "card-not-held",
		problem.Text{Title: "このカードは、どの読み取り口にもありません。", Detail: "先にカードを読み取り口に置いてから、暗証番号を押してください。"},
		problem.Text{Title: "This card is held to no reader.", Detail: "Put it to the reader first, then type the PIN."})
	ErrPadPIN = problem.New(problem.YourTurn, http.StatusBadRequest, "pad-pin",
		problem.Text{Title: "暗証番号は4けたの数字です。", Detail: "カードの利用者証明用の暗証番号を、もう一度押してください。回数には数えていません。"},
		problem.Text{Title: "The PIN has 4 digits.", Detail: "Type the card's authentication PIN again. No try was counted."})
	ErrPadNumber = problem.New(problem.YourTurn, http.StatusBadRequest, "pad-number",
		problem.Text{Title: "窓口の画面の番号は2けたの数字です。", Detail: "あなたの窓口の画面に出ている番号と暗証番号を、もう一度押してください。回数には数えていません。"},
		problem.Text{Title: "The number on the desk's screen has 2 digits.", Detail: "Type the number on your desk's screen and the PIN again. No try was counted."})
	ErrHeld = problem.New(problem.Refused, http.StatusConflict, "card-held-elsewhere",
		problem.Text{Title: "このカードは、いま別の読み取り口にかざされています。", Detail: "そこから離してから、もう一度かざしてください。"},
		problem.Text{Title: "This card is held to another reader just now.", Detail: "Take it away from there and hold it here again."})
)

// Routes is the role's door. token is the sandbox operator's.
func (r *Rack) Routes(token httpd.OperatorToken) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/cards", r.list)
	mux.HandleFunc("POST /v1/cards", r.make)
	mux.HandleFunc("POST /v1/cards/{id}/certificates", r.personalise)
	mux.HandleFunc("POST /v1/cards/{id}/signature-key", r.signatureKey)
	mux.HandleFunc("POST /v1/cards/{id}/signature", r.signature)
	mux.HandleFunc("POST /v1/cards/{id}/tap", r.tap)
	mux.HandleFunc("DELETE /v1/cards/{id}/tap", r.untap)
	mux.Handle("POST /v1/cards/{id}/pad", httpd.Erased(http.HandlerFunc(r.typed)))
	return token.Guard(mux)
}

func (r *Rack) list(w http.ResponseWriter, req *http.Request) {
	cards, err := r.List(req.Context())
	answer(w, req, struct {
		Cards []Listed `json:"cards"`
	}{cards}, err)
}

func (r *Rack) make(w http.ResponseWriter, req *http.Request) {
	var body struct {
		ID           string `json:"id"`
		Municipality string `json:"municipality"`
	}
	if err := httpd.ReadJSON(w, req, &body); err != nil {
		httpd.WriteProblem(w, req, err)
		return
	}
	blank, err := r.Make(body.ID, body.Municipality)
	answer(w, req, blank, err)
}

func (r *Rack) personalise(w http.ResponseWriter, req *http.Request) {
	var body Papers
	if err := httpd.ReadJSON(w, req, &body); err != nil {
		httpd.WriteProblem(w, req, err)
		return
	}
	answer(w, req, struct{}{}, r.Personalise(req.PathValue("id"), body))
}

func (r *Rack) signatureKey(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Order string `json:"order"`
	}
	if err := httpd.ReadJSON(w, req, &body); err != nil {
		httpd.WriteProblem(w, req, err)
		return
	}
	csr, err := r.SignatureKey(req.PathValue("id"), body.Order)
	answer(w, req, struct {
		SignCSR []byte `json:"sign_csr"`
	}{csr}, err)
}

func (r *Rack) signature(w http.ResponseWriter, req *http.Request) {
	var body Papers
	if err := httpd.ReadJSON(w, req, &body); err != nil {
		httpd.WriteProblem(w, req, err)
		return
	}
	answer(w, req, struct{}{}, r.Signature(req.PathValue("id"), body))
}

func (r *Rack) tap(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Reader string `json:"reader"`
	}
	if err := httpd.ReadJSON(w, req, &body); err != nil {
		httpd.WriteProblem(w, req, err)
		return
	}
	answer(w, req, struct{}{}, r.Tap(req.Context(), req.PathValue("id"), body.Reader))
}

func (r *Rack) untap(w http.ResponseWriter, req *http.Request) {
	answer(w, req, struct {
		WasHeld bool `json:"was_held"`
	}{r.Untap(req.PathValue("id"))}, nil)
}

// typed is somebody's hand at the key pad of a reader.
func (r *Rack) typed(w http.ResponseWriter, req *http.Request) {
	var body struct {
		PIN    secret.PIN `json:"card_auth_pin"`
		Number string     `json:"number"`
	}
	err := httpd.ReadJSON(w, req, &body)
	if errors.Is(err, secret.ErrFormat) || err == nil && body.PIN.IsZero() {
		err = ErrPadPIN.Because(err)
	}
	if err == nil {
		err = r.Type(req.PathValue("id"), body.Number, body.PIN)
	}
	answer(w, req, struct{}{}, err)
}

func answer(w http.ResponseWriter, req *http.Request, v any, err error) {
	if err != nil {
		httpd.WriteProblem(w, req, inOurWords(err))
		return
	}
	httpd.WriteJSON(w, http.StatusOK, v)
}

// inOurWords turns the box's errors into what a caller may branch on.
func inOurWords(err error) error {
	switch {
	case errors.Is(err, card.ErrNoCard):
		return ErrNoCard.Because(err)
	case errors.Is(err, card.ErrName):
		return ErrName.Because(err)
	case errors.Is(err, card.ErrPersonalised):
		return ErrTaken.Because(err)
	case errors.Is(err, card.ErrBlank):
		return ErrBlank.Because(err)
	case errors.Is(err, card.ErrOtherKey):
		return ErrSignatureKey.Because(err)
	}
	return err
}
