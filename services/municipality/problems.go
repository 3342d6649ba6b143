package municipality

import (
	"net/http"

	"tegata/internal/problem"
)

// What a caller may branch on.
var (
	ErrBadResident = problem.NewYourTurn(http.StatusBadRequest, "bad-resident",
		"住民の記載事項に誤りがあります。", "示された項目を直して、もう一度送ってください。何も登録されていません。",
		"Something in the resident's entry is wrong.", "Correct the field named and send it again. Nothing was registered.")
	ErrBadEvent = problem.NewYourTurn(http.StatusBadRequest, "bad-event",
		"異動の内容に誤りがあります。", "示された項目を直して、もう一度送ってください。何も変わっていません。",
		"Something in the event is wrong.", "Correct the field named and send it again. Nothing has changed.")
	ErrMunicipality = problem.NewYourTurn(http.StatusBadRequest, "unknown-municipality",
		"この市区町村の窓口ではありません。", "市区町村コードを確かめてください。",
		"This is not the desk of that municipality.", "Check the municipality's code.")
	ErrUnknownResident = problem.NewRefused(http.StatusNotFound, "unknown-resident",
		"この番号の住民はいません。", "番号を確かめてください。",
		"There is no resident of that id.", "Check the id.")
	ErrResidentConflict = problem.NewRefused(http.StatusConflict, "resident-conflict",
		"同じ番号で別の内容が登録されています。", "先に登録された内容はそのままです。変更は異動として届け出てください。",
		"Another entry stands under the same id.", "What was registered first stands. Tell changes as events.")
	ErrResidentDied = problem.NewRefused(http.StatusConflict, "resident-died",
		"この方は亡くなったか、国外に転出しています。", "この方の手続きはできません。",
		"This person died or left the country.", "Nothing can be done for this person.")
	ErrCardConflict = problem.NewRefused(http.StatusConflict, "card-conflict",
		"この番号のカードは別の人のものです。", "新しい番号で申し込んでください。",
		"A card of that id is somebody else's.", "Order it under a new id.")
	ErrCardRefused = problem.NewRefused(http.StatusConflict, "card-refused",
		"このカードは発行できませんでした。", "理由を確かめ、新しい番号で申し込み直してください。",
		"This card could not be issued.", "See the reason and order again under a new id.")
	ErrEventConflict = problem.NewRefused(http.StatusConflict, "event-conflict",
		"同じ届出番号で別の内容が届いています。", "先に届いた内容はそのままです。新しい番号で届け出てください。",
		"Another event stands under the same id.", "What arrived first stands. Send it under a new id.")
	ErrNotPlanned = problem.NewRefused(http.StatusConflict, "event-not-planned",
		"取り消せる届出ではありません。", "届出は、その日になるとすぐに実行されます。いまの記録を確かめてください。",
		"This report cannot be taken back.", "Reports are carried out when their day begins. See what the register says now.")
	ErrSignatureGood = problem.NewRefused(http.StatusConflict, "signature-not-needed",
		"署名用電子証明書を入れ直す必要はありません。", "カードの署名用電子証明書は今の記載事項のもので、使えます。",
		"No new signature certificate is needed.", "The one in the card says what the register says, and is in use.")
	ErrTooYoung = problem.NewRefused(http.StatusConflict, "signature-under-15",
		"15歳未満の方に署名用電子証明書は発行できません。", "15歳の誕生日を過ぎてから申し込んでください。",
		"Nobody under 15 gets a signature certificate.", "Order it after the 15th birthday.")
	ErrNoCard = problem.NewRefused(http.StatusConflict, "no-card",
		"この方の使えるカードがありません。", "カードの番号を確かめてください。",
		"This person has no such card in use.", "Check the card's id.")
	ErrCardNotFitting = problem.NewRefused(http.StatusConflict, "card-not-fitting",
		"カードの今の状態に合わない届出です。", "カードがすでに紛失（または発見）の届出をされていないか確かめてください。",
		"This does not fit the card's present state.", "See whether the card was already reported lost, or found.")
)

// badField turns a *fieldError into p with the field's name.
func badField(p *problem.Problem, err *fieldError) error {
	return p.With("field", err.field).With("reason", err.reason).Because(err)
}
