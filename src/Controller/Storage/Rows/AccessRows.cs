namespace Bulkhead.Controller.Storage.Rows;

/// <summary>A person's local account.</summary>
public sealed class AccountRow
{
    /// <summary>Its identity.</summary>
    public Guid Id { get; set; }

    /// <summary>Unique, lower case.</summary>
    public string Name { get; set; } = "";

    /// <summary>What they may do, as <see cref="StoredText.Grants"/> reads it.</summary>
    public string Grants { get; set; } = "[]";

    /// <summary>As <see cref="Microsoft.AspNetCore.Identity.PasswordHasher{TUser}"/> makes it.</summary>
    public string PasswordHash { get; set; } = "";

    /// <summary>Whether the password must be changed before anything else.</summary>
    public bool OneTime { get; set; }
}

/// <summary>A signed-in browser.</summary>
public sealed class SessionRow
{
    /// <summary>SHA-256 of the token in the cookie, hex.</summary>
    public string TokenHash { get; set; } = "";

    /// <summary>Whose.</summary>
    public Guid AccountId { get; set; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset Expires { get; set; }
}

/// <summary>A program's key.</summary>
public sealed class ApiKeyRow
{
    /// <summary>Its identity.</summary>
    public Guid Id { get; set; }

    /// <summary>For people.</summary>
    public string Name { get; set; } = "";

    /// <summary>What it may do, as <see cref="StoredText.Grants"/> reads it.</summary>
    public string Grants { get; set; } = "[]";

    /// <summary>The account that it acts for, whose grants bound its own; null if it was made on the controller's machine.</summary>
    public Guid? AccountId { get; set; }

    /// <summary>SHA-256 of the secret, hex.</summary>
    public string SecretHash { get; set; } = "";

    /// <summary>Who made it.</summary>
    public string CreatedBy { get; set; } = "";

    /// <summary>When.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>When it stops to work; null for never.</summary>
    public DateTimeOffset? Expires { get; set; }

    /// <summary>To the minute.</summary>
    public DateTimeOffset? LastUsed { get; set; }
}
