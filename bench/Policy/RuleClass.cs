namespace Bulkhead.Bench.Policy;

/// <summary>The kinds of rules that an estate is made of.</summary>
internal enum RuleClass
{
    /// <summary>Both ends in one application; 70 of 100.</summary>
    WithinApp,

    /// <summary>Between two applications (extra-scope); 20 of 100.</summary>
    AcrossApps,

    /// <summary>Role to role all over the estate, an environment or a location, one end being everything in a tenth of them; 5 of 100.</summary>
    EstateWide,

    /// <summary>With a negated selector, a process or user, or a network; 5 of 100.</summary>
    Special,
}
