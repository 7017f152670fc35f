# Fits one model with R and writes what R says of it, a tab between cells and 17 significant digits.
#
#     LC_ALL=C Rscript r_oracle.R METHOD TABLE FORMULA WEIGHTS DESIGN
#
# METHOD is lm, glm (binomial), multinom or poisson; TABLE a CSV, whose numbers may be hexadecimal, so that none is
# rounded; WEIGHTS a column or "". DESIGN is a file for y, the weights and the design matrix, in hexadecimal.

arguments <- commandArgs(trailingOnly = TRUE)
method <- arguments[1]
formula <- as.formula(arguments[3])
table <- read.csv(arguments[2], check.names = FALSE, stringsAsFactors = TRUE, na.strings = "")
row_weights <- if (arguments[4] == "") NULL else table[[arguments[4]]]

# glm's standard errors are of the weights before its last step, so it starts once more where it stopped.
settled <- function(fit) {
  call <- fit$call
  call$start <- coef(fit)
  eval.parent(call)
}
exactly <- glm.control(epsilon = 1e-14, maxit = 100)

# Several classes by glm, whose Newton steps come nearer than BFGS: each class of each row is a count of 0 or 1, and a
# parameter of the row makes its expected counts add up to 1 (Baker, The Statistician 43, 1994).
poisson_fit <- function() {
  frame <- model.frame(formula, table)
  response <- model.response(frame)
  counts <- outer(as.integer(response), seq_along(levels(response)), "==") + 0
  others <- diag(nlevels(response))[, -1]
  design <- kronecker(others, model.matrix(formula, frame))
  row <- factor(rep(seq_len(nrow(frame)), nlevels(response)))
  settled(glm(c(counts) ~ design + row - 1, poisson, control = exactly))
}

fit <- switch(method,
  lm = lm(formula, table, weights = row_weights),
  glm = settled(glm(formula, binomial, table, control = exactly)),
  multinom = nnet::multinom(formula, table, maxit = 10000, reltol = 1e-15, abstol = 1e-15, trace = FALSE),
  poisson = poisson_fit()
)
said <- summary(fit)

write_line <- function(...) cat(paste(c(...), collapse = "\t"), "\n", sep = "")
digits <- function(x) sprintf("%.17g", x)
write_rows <- function(output, terms, numbers) {
  for (i in seq_along(terms)) write_line("coefficient", output, terms[i], digits(numbers[i, ]))
}

frame <- if (method == "poisson") model.frame(formula, table) else model.frame(fit)
response <- model.response(frame)
design <- model.matrix(terms(frame), frame)
classes <- levels(response)

write_line("R", R.version.string)
write_line("nnet", as.character(packageVersion("nnet")))
if (method == "lm") {
  write_rows("", rownames(said$coefficients), said$coefficients)
  write_line("sigma", digits(said$sigma))
  write_line("r2", digits(said$r.squared))
} else if (method == "glm") {
  write_rows(classes[2], rownames(said$coefficients), said$coefficients)
} else {
  for (k in seq_along(classes[-1])) {
    if (method == "multinom") {
      z <- said$coefficients[k, ] / said$standard.errors[k, ]
      numbers <- cbind(said$coefficients[k, ], said$standard.errors[k, ], z, 2 * pnorm(-abs(z)))
    } else {
      numbers <- said$coefficients[(k - 1) * ncol(design) + seq_len(ncol(design)), ]
    }
    write_rows(classes[k + 1], colnames(design), numbers)
  }
}
if (method != "lm") write_line("deviance", digits(deviance(fit)))

weights <- if (is.null(row_weights)) rep(1, nrow(frame)) else model.weights(frame)
numbers <- cbind(as.numeric(response), weights, design)
cells <- matrix(sprintf("%a", numbers), nrow(numbers))
write.table(cells, arguments[5], quote = FALSE, row.names = FALSE, col.names = FALSE)
