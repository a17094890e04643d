//! The words of an imported file: what a baseline and a CPU model can say, and how. The reader's help names them, and
//! the reference of the language is made of them.

/// One word.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word.
    pub word: &'static str,
    /// How it is written; what is in capitals the author gives.
    pub form: &'static str,
    /// What it means, in Markdown.
    pub meaning: &'static str,
    /// Whether it has to say where it is known from: `source="…"`.
    pub sourced: bool,
}

const fn word(word: &'static str, form: &'static str, meaning: &'static str) -> Word {
    Word {
        word,
        form,
        meaning,
        sourced: true,
    }
}

const fn told(name: &'static str, form: &'static str, meaning: &'static str) -> Word {
    Word {
        sourced: false,
        ..word(name, form, meaning)
    }
}

/// What a `baseline` block can say.
pub const OF_BASELINE: [Word; 16] = [
    word(
        "show",
        r#"show "REGISTER.FIELD" …"#,
        "the guest sees what the silicon has there. Without any statement a field reads as not implemented",
    ),
    word(
        "hide",
        r#"hide "REGISTER.FIELD" …"#,
        "the field reads as not implemented, whatever an earlier baseline shows",
    ),
    word(
        "cap",
        r#"cap "REGISTER.FIELD" MOST"#,
        "the silicon's value, and never more than this number",
    ),
    word(
        "force",
        r#"force "REGISTER.FIELD" VALUE"#,
        "this number, whatever the silicon has",
    ),
    word(
        "value",
        r#"value "REGISTER" VALUE"#,
        "this value of the whole register, whatever the silicon has",
    ),
    word(
        "cache",
        r#"cache "model""#,
        "where CLIDR_EL1 and CCSIDR_EL1 come from: `silicon` shows the CPU's own, `fabricated` what kernels from 6.3 make up \
         out of CTR_EL0, `model` what the CPU model has, written into the kernel",
    ),
    word(
        "pmceid",
        r#"pmceid "PMCEID0_EL0" and=MASK or=MASK"#,
        "of the PMU's common events, those of the silicon that `and` lets through, and those of `or`",
    ),
    word(
        "psci",
        r#"psci "1.1""#,
        "the version that PSCI_VERSION answers",
    ),
    word(
        "gic-iidr-revision",
        "gic-iidr-revision 2",
        "GICD_IIDR.Revision, and how a GICv3 of that revision behaves",
    ),
    word(
        "smc",
        r#"smc "full""#,
        "whether firmware calls are answered by SMC, too: `full`, or `none`",
    ),
    word(
        "bitmap",
        r#"bitmap "REGISTER" BITS"#,
        "which calls of a group are offered (KVM_REG_ARM_*_BMAP); `\"absent\"` where the kernel has no such register",
    ),
    word(
        "unknown",
        r#"unknown "TOPIC" …"#,
        "what nobody has measured of this kernel: a register or field, `gic-iidr-revision`, `smc`, `psci`, `cache`, or a vCPU \
         feature. A description that needs it makes no lock, unless a part or a line of its `cpu` block decides it",
    ),
    told(
        "kernel",
        r#"kernel package="…" version="…""#,
        "the distribution's kernel that this describes: which package, and which version of it was looked at",
    ),
    told(
        "measured-on",
        r#"measured-on "MODEL" … digest="…""#,
        "the CPU models on which the kernel was measured; with the CPU of no other one comes a lock of it. `digest` is that of \
         a model of one's own, whose file may change. Without this line its source was read",
    ),
    told("title", r#"title "…""#, "one line of text for lists"),
    told(
        "stable",
        r#"stable "VERSION" "…""#,
        "what a later release of the same series does otherwise, in words",
    ),
];

/// What a `cpu` block of an imported file can say.
pub const OF_CPU: [Word; 7] = [
    told("title", r#"title "…""#, "one line of text for lists"),
    word(
        "register",
        r#"register "REGISTER" VALUE"#,
        "what the silicon has in a register. One that is named nowhere reads as zero, but for a few that only silicon decides: \
         these are unknown",
    ),
    word(
        "fact",
        r#"fact "REGISTER" VALUE"#,
        "what the machine around the CPU decides, and a guest sees: CNTFRQ_EL0, what its firmware knows of mitigations, widths of the interrupt controller",
    ),
    word(
        "ccsidr",
        "ccsidr SELECTOR VALUE",
        "CCSIDR_EL1 for a value of CSSELR_EL1",
    ),
    told(
        "unaffected",
        r#"unaffected "meltdown" …"#,
        "mitigations that the silicon does not need; baselines ask for them by `when=\"unaffected:NAME\"`",
    ),
    word(
        "vector-lengths",
        "vector-lengths 128 256",
        "the SVE vector lengths, in bits, the shortest first",
    ),
    word(
        "unknown",
        r#"unknown "REGISTER.FIELD" …"#,
        "what nobody has read. A description that needs it makes no lock, and says what is to be measured. Whether the CPU has \
         a vulnerability is `unknown \"unaffected:NAME\"`; one that stands neither here nor behind `unaffected` it has",
    ),
];
