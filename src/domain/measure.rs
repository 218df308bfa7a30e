//! Measures under the contract (契約に基づく措置): what a body can do when a contractor does not keep its promise.

use super::vocabulary::code_words;

code_words! {
    /// A measure under the contract, from the mildest to the hardest.
    MeasureKind {
        CorrectionDemand = "correction_demand", "是正の要求";
        ImprovementPlan = "improvement_plan", "改善計画の提出の要求";
        Suspension = "suspension", "業務の停止";
        PaymentWithholding = "payment_withholding", "支払の留保";
        Damages = "damages", "損害賠償の請求";
        Termination = "termination", "契約の解除";
        DebarmentNotice = "debarment_notice", "指名停止の通知";
    }
}
