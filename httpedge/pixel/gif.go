package pixel

import (
	"encoding/json"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// GIF is one transparent pixel, 43 bytes.
const GIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// FromImage is the page view that the image's request stands for: its Referer is the page. The caller has
// checked the page's origin and names the hit.
func FromImage(referer string, id domain.EventID, p Request) Item {
	item := Item{Hit: domain.Hit{
		Visitor: p.Visitor, Fresh: p.Fresh, Address: p.Address, UserAgent: p.UserAgent,
		Country: p.Country, State: p.State, GPC: p.GPC, ReceivedAt: p.ReceivedAt, OccurredAt: p.ReceivedAt,
		ID: id, Type: domain.PageView, Account: p.Pixel.Account, Pixel: p.Pixel.Pixel.ID,
	}}
	r := reader{p: &p, item: &item}
	// A header is bytes: browsers send none but ASCII here, others do.
	item.Refusal = r.address(strings.ToValidUTF8(referer, "\uFFFD"))
	item.Hit.UTM, item.Hit.Clicks = r.marks(item.Hit.Page.URL), r.clicksOf(item.Hit.Page.URL)
	body, err := json.Marshal(map[string]string{"id": string(id), "type": string(domain.PageView), "url": item.Hit.Page.URL, "by": "image"})
	if err == nil { // text always marshals
		item.Hit.Body = body
	}
	return item
}
