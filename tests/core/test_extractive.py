"""The extractive answer: the passages' own words, or an honest refusal."""

from contextlib import suppress

import pytest

from core.dialog.models.contract import Message, Spent
from core.dialog.models.extractive import ExtractiveModel, extract, quote
from core.dialog.models.sentences import cells, told, units
from core.dialog.models.terms import stem, terms
from core.errors import CannotServe, ModelError
from core.knowledge import Passage


def passage(text, title="", heading="", source="doc.md"):
    return Passage(id=source + heading, source=source, title=title, heading=heading, text=text)


RETURNS = passage(
    "You have **30 days** from the day of delivery to send a bike back. In our stores the same 30 days count from the receipt.\n\n"
    "Custom builds cannot be returned at all.",
    "Returning something",
    source="returns.md",
)
SHIPPING = passage("A parcel takes 2 to 4 days. Shipping a bike costs €39.", "Shipping", source="shipping.md")
STEPS = passage(
    "A flat takes about twenty minutes.\n\nYou need:\n\n- two tyre levers\n- a patch kit\n- a pump\n\n"
    "1. Take the wheel out.\n2. Let out the air.\n3. Lift one side of the tyre.",
    "Repairing a flat tyre",
    source="flat.md",
)
STORES = passage(
    "store: Berlin; address: Lindenweg 12; monday: closed\nstore: Hamburg; address: Hafenstieg 48; monday: 10:00-18:00",
    "stores",
    source="stores.csv",
)


@pytest.mark.parametrize(
    ("question", "says", "source"),
    [
        ("How long do I have to return a bike?", "30 days", "returns.md"),
        ("Can custom builds be returned?", "cannot be returned", "returns.md"),
        ("What does shipping a bike cost?", "€39", "shipping.md"),
        ("How long does a parcel take?", "2 to 4 days", "shipping.md"),
        ("What is the address in Hamburg?", "Hafenstieg 48", "stores.csv"),
    ],
)
def test_the_best_sentence_answers_and_names_its_source(question, says, source):
    found = extract(question, [RETURNS, SHIPPING, STEPS, STORES])
    assert says in found.text
    assert found.citations[0].source == source


def test_every_quote_stands_word_for_word_in_its_passage_and_every_mark_has_a_citation():
    passages = [RETURNS, SHIPPING, STEPS, STORES]
    found = extract("How long may a bike return or shipping take?", passages)
    texts = {p.source: p.text for p in passages}
    assert found.citations
    for n, citation in enumerate(found.citations, start=1):
        assert citation.n == n
        assert f"[{n}]" in found.text
        assert citation.quote in texts[citation.source]


@pytest.mark.parametrize("question", ["Who painted the Mona Lisa?", "And then?", "", "🚲", "What is the capital of France?"])
def test_what_the_passages_do_not_hold_is_refused(question):
    with pytest.raises(CannotServe):
        extract(question, [RETURNS, SHIPPING, STEPS, STORES])


def test_without_passages_it_refuses():
    with pytest.raises(CannotServe):
        extract("How long do I have to return a bike?", [])


def test_a_follow_up_is_understood_from_what_it_carries_on():
    helmets = passage("Helmets must be unworn.\n\nClothing must have its tags.", "Returning something")
    found = extract("And for helmets?", [helmets], context="How do I return a bike?\nAnd for helmets?")
    assert found.text.startswith("Helmets must be unworn.")


def test_the_sentence_that_it_points_back_to_is_quoted_too():
    text = "The lever has two yellow marks. If they do not meet, turn the hub adjuster. Rain is wet."
    assert extract("How do I turn the hub adjuster?", [passage(text)]).text == (
        "The lever has two yellow marks. If they do not meet, turn the hub adjuster. [1]"
    )


def test_a_list_is_quoted_with_its_lead_in_and_keeps_its_lines():
    found = extract("What do I need for repairing a flat tyre?", [STEPS])
    assert "You need:\n\n- two tyre levers\n- a patch kit\n- a pump [1]" in found.text


def test_a_question_in_the_document_is_not_its_answer():
    faq = passage("## Can I pay by invoice?\n\nYes, up to €500.\n\nDo you take cheques?\n\nNo.")
    assert extract("Can I pay by invoice?", [faq]).text == "Yes, up to €500. [1]"


def test_a_row_of_a_table_says_what_its_cells_are_and_is_cited_as_it_stands():
    services = passage("| | Basic | Full |\n|---|---|---|\n| Price | €59 | €119 |\n| Wheels trued | – | yes |", "Services")
    found = extract("Are the wheels trued in the full service?", [services])
    assert found.text == "Wheels trued; Basic: –; Full: yes [1]"
    assert found.citations[0].quote == "| Wheels trued | – | yes |"


def test_a_row_that_shares_a_word_of_its_long_name_does_not_outrank_what_says_how_long():
    kinds = passage(
        "| What | We take back |\n|---|---|\n| Bikes and e-bikes with all their papers | ridden no more than 20 km |",
        "Returning something",
    )
    assert extract("How long do I have to return a bike?", [kinds, RETURNS]).text.startswith("You have **30 days**")


def test_rows_are_told_as_a_list_and_know_their_columns_from_the_heading_where_the_table_began_before():
    codes = passage(
        "| E04 | Sensor fault | yes |\n| E08 | Motor fault | no |\n\nCall us.",
        "Codes",
        "E-bikes › | Code | Meaning | Ride on |",
    )
    assert extract("Which codes mean a fault?", [codes]).text.startswith(
        "- Code: E04; Meaning: Sensor fault; Ride on: yes\n- Code: E08; Meaning: Motor fault; Ride on: no [1]"
    )


def test_what_follows_a_row_begins_a_paragraph_of_its_own():
    prices = passage(
        "| Country | Parcel |\n|---|---|\n| Norway | €14 |\nA parcel to Norway costs no customs.", "Shipping to Norway"
    )
    assert extract("What does a parcel to Norway cost?", [prices]).text == (
        "Country: Norway; Parcel: €14\n\nA parcel to Norway costs no customs. [1]"
    )


def test_the_same_words_are_not_quoted_twice():
    twin = passage(RETURNS.text, RETURNS.title, source="copy.md")
    assert extract("How long do I have to return a bike?", [RETURNS, twin]).text.count("30 days** from") == 1


def test_marks_of_the_documents_own_do_not_pass_for_citations():
    found = extract("When was the shop founded?", [passage("The shop was founded in 1999.[3] It is green.")])
    assert found.text.startswith("The shop was founded in 1999.")
    assert "[3]" not in found.text


@pytest.mark.parametrize(
    ("question", "text", "says"),
    [
        (
            "Wie lange kann ich ein Fahrrad zurückgeben?",
            "Wir verkaufen Helme. Fahrräder können 30 Tage zurückgegeben werden.",
            "30 Tage",
        ),
        ("¿Cuánto cuesta el envío?", "Abrimos a las diez. El envío cuesta 5 € en España.", "5 €"),
        ("退货期限是多少天？", "我们的商店在柏林。退货期限是三十天。欢迎光临！", "退货期限是三十天。"),
        ("返品の期限はいつですか？", "店はベルリンにあります。返品の期限は三十日です。", "返品の期限は三十日です。"),
        ("كم مدة الإرجاع؟", "متجرنا في برلين. مدة الإرجاع ثلاثون يوما.", "مدة الإرجاع ثلاثون يوما."),
        ("Сколько дней на возврат велосипеда?", "Мы в Берлине. На возврат велосипеда даётся 30 дней.", "30 дней"),
    ],
)
def test_it_works_in_other_languages_and_scripts(question, text, says):
    assert says in extract(question, [passage(text)]).text


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a b " * 25_000, "?" * 50_000, "- x\n" * 20_000, "日" * 30_000, "[1]" * 10_000]
)
def test_a_monstrous_passage_or_question_does_no_harm(text):
    for question, passages in ((text, [RETURNS]), ("What is x?", [passage(text)])):
        with suppress(CannotServe):
            assert extract(question, passages).citations


def test_a_claim_is_quoted_from_the_sentence_it_rests_on():
    assert quote("A bike is sent for 39 euros", SHIPPING) == "Shipping a bike costs €39."


def test_sentences_do_not_end_at_abbreviations_numbers_or_initials():
    text = "Ask Dr. Weber, e.g. on 3. May at approx. 10 a.m. or later. It costs 4.90 euros! Really?"
    assert [text[u.start : u.end] for u in units(text)] == [
        "Ask Dr. Weber, e.g. on 3. May at approx. 10 a.m. or later.",
        "It costs 4.90 euros!",
        "Really?",
    ]


def test_lines_wrapped_in_the_middle_of_a_sentence_are_one_sentence():
    text = "You may return\na bike within\nthirty days. Thanks."
    assert [text[u.start : u.end] for u in units(text)] == ["You may return\na bike within\nthirty days.", "Thanks."]


def test_headings_items_and_rows_stand_for_themselves():
    text = "# Title\nOne.\n- item one\n  goes on\n- item two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert [(u.kind, text[u.start : u.end]) for u in units(text)] == [
        ("heading", "# Title"),
        ("sentence", "One."),
        ("item", "- item one\n  goes on"),
        ("item", "- item two"),
        ("lead", "| a | b |"),
        ("row", "| 1 | 2 |"),
    ]


@pytest.mark.parametrize("bullet", ["", "- "])
def test_a_row_told_as_a_sentence_is_read_as_the_row_it_was(bullet):
    row = [("", "Price"), ("Basic", "€59"), ("Mon 9:00 – 12:00", "€49")]
    (unit,) = units(bullet + told(row))
    assert unit.kind == "row"
    assert cells(bullet + told(row)) == row


def test_words_are_matched_without_their_endings():
    assert stem("returned") == stem("returning") == stem("returns") == stem("return")
    assert stem("batteries") == stem("battery")
    assert terms("How long do I have for the bikes?") == terms("bike")


async def test_the_model_itself_refuses_to_write_and_names_the_fix():
    messages = (Message(role="user", content="Hi"),)
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        await anext(ExtractiveModel().stream(messages, spent=Spent()))
