"""The command line: one file per command.

    main         `netarium`: gives `run` the short way in, and builds the other commands only when one is called
    commands     all commands but `run`, as `--help` shows them
    arguments    what `netarium run` takes
    run          `netarium run`: drive, report, exit code
    building     from the words of `run` to a net with its inputs
    console      programs' output as `name | text`; the terminal as one program's input
    glossary     `netarium glossary`: the terms of the story in a sentence each
    subnet       `netarium subnet`: masks, blocks, same network or not (arithmetic and words: `story`)
    progress     how far a long run is, on a terminal; `status_line` draws it
    outputs      the files a run leaves: --pcap and --trace, opened before anything runs
    report       the summary line and the --json object
    determinism  --check-determinism: two runs in scratch copies, compared event by event
    check        `netarium check`: read a lab and say what is wrong
    schema       `netarium schema`: the JSON schema of lab files
    ports        `netarium ports`: which service has a port
    shell        `netarium shell`: a prompt on a host; `shell_prompt` reads its lines
    explain      `netarium explain`: the story of a run (`story`); `explain_arguments` what it takes
    demo         `netarium demo`: a lab of the package, told step by step (`story`)
    chat         `netarium chat`: forwards to the chat program
    files        `netarium files`: forwards to the file transfer

Start with `main`, then `run`. Start-up counts: nothing here imports typer, rich, pydantic or yaml before it is needed.
"""
