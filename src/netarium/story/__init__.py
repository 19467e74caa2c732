"""What happened in a run, told in words: a trace is read line by line and becomes chapters of sentences.

    records    the trace: its head checked, its lines one by one, told up to where it was cut
    packets    the packet in a line: headers as values, and as much of the payload as the trace kept
    flights    which of the captured frames are one packet on its way over switches, routers and NAT
    scene      what is known while it is read: who has which address, what things are about
    facts      what a fact is: time, kind, place, values; the flight of a packet with its frame numbers
    kinds/     the kinds of facts: how they are read from the trace, and how they are said
    sights     lines that show a packet once more on its way: known by their bytes, without parsing them
    reading    records -> facts: each line is shown to the readers that want it
    chapters   facts -> chapters, while they come: held until they are over, the like of it folded
    alike      whole connections, exchanges and look-ups of one course: held until they are over, then told together
    course     what makes two of them alike: the steps of each place; and what was carried and printed in them
    asked      the programs and conversations that a choice means; what is not there is refused
    telling    chapters -> sentences, with the terms explained at first use and beliefs corrected
    beliefs    what is commonly believed and not so, where it comes up
    words      names beside addresses, what bytes say, the terms that were used
    language   the catalogues of texts in English and Chinese (locale/), compiled by scripts/catalogues.py
    printing   a story as text, Markdown or JSON
    layers     what each layer adds to a packet, and the devices of its way; `layers_text` the same in words
    octets     the bytes of a frame with its fields named
    showing    layers and bytes beneath a step, where they are wanted
    ladder     a conversation drawn as a ladder diagram (SVG)
    columns    texts in columns of a terminal, in which a Chinese character takes two
    subnet     what a mask says, computed; `subnet_text` the same in words (`netarium subnet`)

The pipeline streams: nothing here keeps all of a run, and what is remembered has a limit at the top of its file.
Start with `facts`, then `kinds/base` and a short kind such as `kinds/nat`; to add a kind, write a module there. Nothing
here knows a lab by name: every number told comes from the trace.
"""
